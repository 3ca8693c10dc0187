// The theme takes the focus from its buttons once they are pressed. Who presses them with keys would have to begin again
// at the page's top, and could not reach the menu that opened.
for (const button of document.querySelectorAll(".theme-switch-button, .search-button, .sidebar-toggle")) {
  button.blur = () => {
    if (!button.matches(":focus-visible")) HTMLElement.prototype.blur.call(button);
  };
}

// What is wider than its place is scrolled by keys once it has the focus. The theme looks only at what is not folded.
const places = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth && getComputedStyle(target).overflowX === "auto";
    if (scrolls) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
const wide = "div.math, p:has(> span.math), pre, .pst-scrollable-table-container";
for (const place of document.querySelectorAll(`.bd-article :is(${wide})`)) places.observe(place);
