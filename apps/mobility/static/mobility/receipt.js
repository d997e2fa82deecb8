/* The small still map of a receipt. */

import { tripMap } from "./trip-map.js";

tripMap();
