// Two conveniences that the pages do without: the choice of colours, and the filter of a digest.
"use strict";

function offerColours(button) {
  const words = { system: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
  const next = { system: "light", light: "dark", dark: "system" };
  const root = document.documentElement;
  const label = button.querySelector(".words");
  const show = () => { label.textContent = words[root.dataset.colours || "system"]; };
  button.addEventListener("click", () => {
    const chosen = next[root.dataset.colours || "system"];
    if (chosen === "system") delete root.dataset.colours;
    else root.dataset.colours = chosen;
    try {
      if (chosen === "system") localStorage.removeItem("colours");
      else localStorage.setItem("colours", chosen);
    } catch {
      // Not remembered; the page still changes.
    }
    show();
  });
  show();
  button.hidden = false;
}

function offerFilter(bar) {
  const category = bar.querySelector("select");
  const runs = bar.querySelector("input");
  const shown = bar.querySelector(".shown");
  const entries = [...document.querySelectorAll(".entry")];
  const filter = () => {
    let count = 0;
    for (const entry of entries) {
      const fits = !category.value || entry.dataset.categories.split(" ").includes(category.value);
      entry.hidden = !fits || (runs.checked && !entry.classList.contains("runs"));
      count += entry.hidden ? 0 : 1;
    }
    shown.textContent = count === entries.length ? "" : `${count} of ${entries.length} papers`;
  };
  category.addEventListener("change", filter);
  runs.addEventListener("change", filter);
  bar.hidden = false;
  filter();
}

const button = document.querySelector(".theme");
if (button) offerColours(button);
const bar = document.querySelector(".filter");
if (bar) offerFilter(bar);
