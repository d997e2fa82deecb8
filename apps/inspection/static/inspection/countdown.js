/* How much time an inspection has left.  It only tells: the server's clock decides. */

for (const left of document.querySelectorAll("[data-until]")) {
  const until = Date.parse(left.dataset.until);
  const show = () => {
    const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    left.textContent = seconds
      ? `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`
      : left.dataset.over;
    if (!seconds) clearInterval(timer);
  };
  const timer = setInterval(show, 1_000);
  show();
}
