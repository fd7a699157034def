// Before the page is painted: the colour scheme that the reader chose, if any; and a word that scripts run.
"use strict";
document.documentElement.classList.add("scripted");
try {
  const chosen = localStorage.getItem("colours");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.colours = chosen;
} catch {
  // Storage may be closed to us; the system's scheme is fine.
}
