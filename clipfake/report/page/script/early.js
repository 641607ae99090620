// Runs before anything is drawn: says that scripts run, and keeps the reader's theme.
(() => {
  const root = document.documentElement;
  root.classList.add("scripts");
  try {
    const theme = localStorage.getItem("clipfake:theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch { /* a browser may keep nothing */ }
})();
