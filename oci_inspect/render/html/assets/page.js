/* The line below a bar of layers, where one is in the page, and what else needs a script. */
(() => {
  "use strict";

  const touch = !matchMedia("(hover: hover) and (pointer: fine)").matches;

  /* One stop of the Tab key for all layers of a bar: arrow keys go from one to the next. */
  function rove(links) {
    links.forEach((link, i) => {
      link.tabIndex = i ? -1 : 0;
      link.addEventListener("focus", () => {
        for (const other of links) other.tabIndex = other === link ? 0 : -1;
      });
      link.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: links.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        if (links[to]) links[to].focus();
      });
    });
  }
  for (const bar of document.querySelectorAll("ol.bar")) rove(Array.from(bar.querySelectorAll("a")));

  // The instruction of the layer under the pointer, or that has the focus.
  for (const bar of document.querySelectorAll("ol.bar")) {
    const box = bar.closest(".bar-box");
    const line = box && box.querySelector(".bar-line");
    if (!line) continue;
    const hint = document.createElement("span");
    hint.className = "dim";
    hint.textContent = touch
      ? "Tap a layer to go to its figures."
      : "Point at a layer to see the instruction that made it; a click leads to its figures. Arrow keys go from layer to layer.";
    const links = Array.from(box.querySelectorAll("ol.bar a"));
    if (!links.length) continue;
    const show = (link) => {
      if (!link) {
        line.replaceChildren(hint);
        return;
      }
      const name = document.createElement("b");
      name.textContent = link.querySelector(".vh").textContent;
      const code = document.createElement("code");
      code.textContent = link.dataset.instruction;
      line.replaceChildren(name, code);
    };
    for (const link of links) {
      // The line says it; a tooltip on top of it would say it twice.
      link.dataset.instruction = link.title;
      link.removeAttribute("title");
      link.setAttribute("aria-description", link.dataset.instruction);
      link.addEventListener("pointerenter", () => show(link));
      link.addEventListener("focus", () => show(link));
      link.addEventListener("blur", () => show(null));
    }
    box.addEventListener("pointerleave", () => show(links.find((one) => one === document.activeElement)));
    show(null);
  }

  // Paths lead to their place in the map; where it does not run, to its picture.
  if (document.querySelector(".map-app")) {
    for (const link of document.querySelectorAll("a[data-place]")) link.setAttribute("href", link.dataset.place);
  }

  for (const link of document.querySelectorAll("a[data-layer]")) {
    link.addEventListener("click", (event) => {
      const map = document.getElementById("map").ociMap;
      if (!map || !map.pointOut) return;
      event.preventDefault();
      map.pointOut(Number(link.dataset.layer));
    });
  }

  // What is folded together is printed too, and as it was afterwards.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    opened = [];
  });

  // An address may lead to what is folded together.
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const folded = target && target.closest("details:not([open]), table.folded");
    if (!folded) return;
    if (folded.ociUnfold) folded.ociUnfold();
    else folded.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // Which section is being read.
  const links = new Map();
  for (const link of document.querySelectorAll(".nav li a")) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) links.set(section, link);
  }
  if (links.size && "IntersectionObserver" in globalThis) {
    const seen = new Set();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const one of entries) {
          if (one.isIntersecting) seen.add(one.target);
          else seen.delete(one.target);
        }
        let current = true;
        for (const [section, link] of links) {
          if (current && seen.has(section)) {
            link.setAttribute("aria-current", "true");
            current = false;
          } else link.removeAttribute("aria-current");
        }
      },
      { rootMargin: "-20% 0px -60% 0px" },
    );
    for (const section of links.keys()) observer.observe(section);
  }
})();
