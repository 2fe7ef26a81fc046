// Whether this browser can run the page, in words that any browser reads: where it can, the picture for those that cannot
// is not shown, and a chosen theme is there before anything is drawn.
(function () {
  var root = document.documentElement;
  try {
    if (window.HTMLDialogElement && window.ResizeObserver && [].at && window.CanvasRenderingContext2D) root.className = "able";
    var theme = localStorage.getItem("lab-theme");
    if (theme) root.setAttribute("data-theme", theme);
  } catch (refused) { /* a browser that keeps nothing begins with the light theme */ }
})();
