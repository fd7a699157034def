// The search of a site without a server: every word that is typed must begin a word of a paper's line.
"use strict";

const MOST = 100;
const bare = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const wordsOf = (text) => bare(text).match(/[\p{L}\p{N}]+/gu) || [];

function offerSearch(asking, lines) {
  const input = asking.querySelector("input");
  const found = document.getElementById("found");
  const hits = document.getElementById("hits");
  const texts = lines.map((line) => ` ${wordsOf(line.slice(0, 3).join(" ")).join(" ")}`);
  const titles = lines.map((line) => ` ${wordsOf(line[0]).join(" ")}`);

  const row = ([title, authors, , day, address]) => {
    const link = document.createElement("a");
    link.className = "row";
    link.href = `../${address}`;
    const name = document.createElement("b");
    name.textContent = title;
    const rest = document.createElement("span");
    rest.textContent = `${authors.length > 120 ? `${authors.slice(0, 120)}…` : authors} · ${day}`;
    link.append(name, " ", rest);
    const item = document.createElement("li");
    item.append(link);
    return item;
  };
  const search = () => {
    const asked = wordsOf(input.value).map((word) => ` ${word}`);
    const fits = (text) => asked.every((word) => text.includes(word));
    const all = asked.length ? lines.map((_, place) => place).filter((place) => fits(texts[place])) : [];
    // Those with the words in their title come first, and the newest first among equals.
    all.sort((one, other) => fits(titles[other]) - fits(titles[one]) || other - one);
    hits.replaceChildren(...all.slice(0, MOST).map((place) => row(lines[place])));
    const shown = all.length > MOST ? `The first ${MOST} of ${all.length} papers` : `${all.length} paper${all.length === 1 ? "" : "s"}`;
    found.textContent = asked.length ? shown : "";
    history.replaceState(null, "", input.value ? `#${encodeURIComponent(input.value)}` : location.pathname);
  };
  try {
    input.value = decodeURIComponent(location.hash.slice(1));
  } catch {
    // Not an address of ours: nothing is asked.
  }
  input.addEventListener("input", search);
  asking.hidden = false;
  search();
}

const asking = document.querySelector(".asking");
if (asking && globalThis.papers) offerSearch(asking, globalThis.papers);
