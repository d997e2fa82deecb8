/* Lines of [lon, lat] on ground small enough to be flat: a city. */

const EQUATOR = 40_075_017; // metres round the earth
const TILE = 512;

const radians = (degrees) => degrees * Math.PI / 180;
const between = (a, b, share) => [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];

/** Metres of ground that one px shows. */
export const metresPerPixel = (lat, zoom) => EQUATOR * Math.cos(radians(lat)) / (TILE * 2 ** zoom);

/** Metres from each point of a line to the next. */
export function lengths(line) {
  const degree = EQUATOR / 360;
  return line.slice(1).map(([lon, lat], i) => Math.hypot(
    (lon - line[i][0]) * Math.cos(radians(lat)), lat - line[i][1]) * degree);
}

/** Split a line after a share of its length, 0 to 1; the cut belongs to both parts. */
export function split(line, share) {
  const pieces = lengths(line);
  let left = Math.min(1, share) * pieces.reduce((sum, piece) => sum + piece, 0);
  for (const [i, piece] of pieces.entries()) {
    if (left <= piece && piece > 0) {
      const cut = between(line[i], line[i + 1], left / piece);
      return [[...line.slice(0, i + 1), cut], [cut, ...line.slice(i + 1)]];
    }
    left -= piece;
  }
  return [line, []];
}

/** Points along a line, so many metres apart. */
export function dots(line, apart) {
  const points = [];
  let next = 0;
  for (const [i, piece] of lengths(line).entries()) {
    for (; next < piece; next += apart) points.push(between(line[i], line[i + 1], next / piece));
    next -= piece;
  }
  return points;
}

/** The south-west and north-east corners around some points. */
export function box(points) {
  const lons = points.map(([lon]) => lon);
  const lats = points.map(([, lat]) => lat);
  return [[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]];
}
