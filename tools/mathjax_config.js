// The one font that comes with jupyter_server_mathjax.
MathJax.Hub.Config({
  "HTML-CSS": { availableFonts: [], preferredFont: null, webFont: "STIX-Web", imageFont: null },
  "fast-preview": { disabled: true }, // it would ask for another font
  showMathMenu: false,
});
MathJax.Ajax.loadComplete("[MathJax]/config/lessons.js");
