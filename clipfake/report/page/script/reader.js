// What a reader may do on every page: choose light or dark, and print it with all unfolded.

element("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  kept.set("clipfake:theme", root.dataset.theme);
});
element("print").addEventListener("click", () => print());
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((each) => { each.dataset.was = each.open; each.open = true; });
});
addEventListener("afterprint", () => {
  document.querySelectorAll("details").forEach((each) => { each.open = each.dataset.was === "true"; });
});
