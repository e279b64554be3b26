/* The line below a bar of layers, where one is in the page, and what else needs a script. */
(() => {
  "use strict";

  // The instruction of the layer under the pointer, or that has the focus.
  for (const bar of document.querySelectorAll("ol.bar")) {
    const box = bar.closest(".bar-box");
    const line = box && box.querySelector(".bar-line");
    if (!line) continue;
    const hint = document.createElement("span");
    hint.className = "dim";
    hint.textContent = "Point at a layer to see the instruction that made it; a click leads to its figures.";
    const links = Array.from(box.querySelectorAll("ol.bar a"));
    if (!links.length) continue;
    const show = (link) => {
      if (!link) {
        line.replaceChildren(hint);
        return;
      }
      const name = document.createElement("b");
      name.textContent = `Layer ${link.querySelector(".segment-name").textContent}, ${link.dataset.figures}`;
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
    const folded = target && target.closest("details:not([open])");
    if (!folded) return;
    folded.open = true;
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
