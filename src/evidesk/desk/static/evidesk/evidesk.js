// What htmx does not tell by itself: that something sent in the background did not arrive.
for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(event, ({ detail }) => {
    const status = detail.xhr?.status;
    const { refused, unreachable } = document.body.dataset; // in the page's language
    detail.target.textContent = status ? refused.replace("{status}", status) : unreachable;
    detail.target.classList.add("warn");
  });
}
document.addEventListener("htmx:afterSwap", ({ detail }) => detail.target.classList.remove("warn"));
// A form that is on its way is not saved in the background as well: the two would meet at the desk.
const leaving = new Set();
document.addEventListener("submit", ({ target }) => leaving.add(target));
window.addEventListener("pageshow", () => leaving.clear());
document.addEventListener("htmx:beforeRequest", (event) => {
  if (leaving.has(event.detail.elt)) event.preventDefault();
});
