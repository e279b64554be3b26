/* The map: a picture of the folder that is open, which folders are gone into from.

   Its address is #map=/usr/lib. ociMap.open(path) opens a folder, or the folder of a file; go() does
   so by number. */
(() => {
  "use strict";
  const section = document.getElementById("map");
  if (!section || !section.ociMap) return;
  const map = section.ociMap;
  const { make, hashOf, pathOf, said } = map.panels;

  if (map.size === 1 && !map.leafCount && !map.rests[0].length) {
    const text = map.twoSided ? "No file differs in its content." : "There are no files in it.";
    // Also on paper: a picture of nothing would say nothing.
    section.querySelector(".map-still").replaceChildren(make("p", { class: "map-none" }, text));
    return;
  }

  const state = { folder: 0, leaf: null, by: map.twoSided ? "kind" : "layer", tiles: [], nodes: [], at: 0, width: 0, height: 0, only: null };
  let pending = null; // what a click meant: two names may read the same in an address
  let known = location.hash;

  const crumbBox = make("nav", { class: "map-crumbs", "aria-label": "Folders above" });
  const status = make("p", { class: "map-status", role: "status" });
  const lineBox = make("p", { class: "map-line" });
  const labels = make("div", { class: "map-labels" });
  const picture = make("div", {
    class: "map-tiles",
    role: "listbox",
    "aria-label": "Map",
    "aria-describedby": "map-help",
  });
  const frame = make("div", { class: "map-picture" }, labels, picture);
  const legendBox = make("div", { class: "map-legend-box" });
  const factsBox = make("div", { class: "map-facts-box" });
  const tableBox = make("div", { class: "map-table-box" });
  const colours = ["layer", "kind"].map((by) => {
    const radio = make("input", { type: "radio", name: "map-colour", value: by, checked: by === state.by });
    radio.addEventListener("change", () => {
      state.by = by;
      paint();
    });
    return make("label", {}, radio, make("span", {}, `by ${by}`));
  });
  const app = make(
    "div",
    { class: "map-app" },
    make(
      "div",
      { class: "map-bar" },
      crumbBox,
      make("fieldset", { class: "map-colours" }, make("legend", {}, "Colour"), ...colours),
    ),
    make("div", { class: "map-view" }, lineBox, frame),
    make("p", { class: "map-help", id: "map-help" }, map.panels.help),
    legendBox,
    status,
    make("div", { class: "map-below" }, factsBox, tableBox),
  );

  /* ---- the picture ---- */

  function tell(tile) {
    if (!tile) {
      lineBox.replaceChildren(make("span", { class: "map-muted" }, map.panels.hint));
      return;
    }
    const [size, ...others] = map.tiles.facts(tile, map.total(state.folder));
    lineBox.replaceChildren(
      make("b", { dir: "ltr" }, map.tiles.path(tile)),
      make("span", {}, size),
      make("span", { class: "map-muted" }, others.join(" · ")),
    );
  }

  function paint() {
    state.tiles.forEach((tile, i) => {
      state.nodes[i].className = map.tiles.classOf(tile, state.by);
    });
    legendBox.replaceChildren(map.panels.legend(state.tiles, state.by, state.only));
    point();
    mark();
  }

  function mark() {
    state.tiles.forEach((tile, i) => {
      const chosen = tile.type === "file" && tile.node === state.leaf;
      if (chosen !== (state.nodes[i].getAttribute("aria-selected") === "true")) {
        state.nodes[i].setAttribute("aria-selected", String(chosen));
      }
    });
  }

  function draw() {
    state.width = frame.clientWidth;
    state.height = frame.clientHeight;
    if (!state.width || !state.height) return;
    const { sides, tiles, upright } = map.layout(state.folder, state.width, state.height);
    state.tiles = tiles;
    const whole = map.total(state.folder);
    state.nodes = tiles.map((tile, i) => map.tiles.node(tile, i, whole));
    const groups = sides.map(({ side, size }) => {
      const name = `${map.sides[side]}, ${map.humanSize(size)}, ${map.percent(size, whole)}`;
      const inside = state.nodes.filter((_, i) => tiles[i].side === side);
      return make("div", { role: "group", "aria-label": name, class: "map-side" }, ...inside);
    });
    labels.replaceChildren(...sides.map((one) => map.tiles.label(one, upright, whole)));
    picture.replaceChildren(...groups);
    picture.hidden = !tiles.length;
    frame.classList.toggle("map-empty", !tiles.length);
    if (!tiles.length) labels.replaceChildren(make("p", {}, "Nothing in this folder has any bytes."));
    const chosen = tiles.findIndex((tile) => tile.type === "file" && tile.node === state.leaf);
    state.at = Math.max(chosen, 0);
    if (state.nodes[state.at]) state.nodes[state.at].tabIndex = 0;
    tell(chosen >= 0 ? tiles[chosen] : null);
    paint();
  }

  /* ---- going somewhere ---- */

  function render() {
    const held = document.activeElement;
    const inPicture = picture.contains(held);
    const inTable = tableBox.contains(held);
    const inCrumbs = crumbBox.contains(held);
    crumbBox.replaceChildren(map.panels.crumbs(state.folder));
    picture.setAttribute("aria-label", `Map of ${map.folderPath(state.folder)}`);
    draw();
    below();
    const options = { preventScroll: true };
    if (inPicture && state.nodes[state.at]) state.nodes[state.at].focus(options);
    else if (inTable) tableBox.querySelector("h3").focus(options);
    else if (inCrumbs) crumbBox.querySelector("[aria-current]").focus(options);
  }

  function below() {
    factsBox.replaceChildren(...(state.leaf === null ? [] : [map.panels.facts(state.leaf)]));
    tableBox.replaceChildren(map.panels.table(state.folder, state.leaf));
  }

  function show(folder, leaf) {
    state.folder = folder;
    state.leaf = leaf;
    render();
    const sizes = [0, 1].map((side) => `${map.sides[side]} ${map.humanSize(map.sum(folder, side))}`);
    status.textContent = leaf === null ? `${map.folderPath(folder)}: ${sizes.join(", ")}` : said(leaf);
  }

  /* Open a folder by its number, with a leaf chosen or null: a step of the browser's history. */
  function go(folder, leaf = null) {
    const hash = hashOf(leaf === null ? map.folderPath(folder) : map.leafPath(leaf));
    if (hash === location.hash) {
      if (folder !== state.folder || leaf !== state.leaf) show(folder, leaf);
      return;
    }
    address(hash, folder, leaf);
    show(folder, leaf);
  }

  /* Go to an address of which is known what it means: its event comes later, and finds it done. */
  function address(hash, folder, leaf) {
    pending = { hash, folder, leaf };
    location.hash = hash;
    known = location.hash;
  }

  /* Tell of a file below the folder that is open, which stays open. */
  function choose(leaf) {
    const hash = hashOf(map.leafPath(leaf));
    if (hash !== location.hash) address(hash, state.folder, leaf);
    state.leaf = leaf;
    mark();
    below();
    status.textContent = said(leaf);
  }

  function follow(scroll) {
    const hash = location.hash;
    if (pending && pending.hash === hash) {
      known = hash;
      pending = null;
      return;
    }
    pending = null;
    if (!hash.startsWith("#map=")) {
      if (known.startsWith("#map=") && hash === "") show(0, null);
      if (hash === "") known = hash;
      return;
    }
    known = hash;
    const path = pathOf(hash);
    const found = map.resolve(path);
    show(found.folder, found.leaf);
    if (found.lost) {
      const text = `${path} has no place of its own in this map; this is the nearest folder.`;
      status.textContent = text;
      lineBox.replaceChildren(make("span", {}, text));
    }
    const { top, bottom } = frame.getBoundingClientRect();
    if (scroll && (top < 0 || bottom > window.innerHeight)) section.scrollIntoView();
  }

  /* To the folder above, where the tile of the one that was left has the focus. */
  function up() {
    const left = state.folder;
    if (left === 0) return;
    go(map.parents[left]);
    if (!picture.contains(document.activeElement)) return;
    focusTile(state.tiles.findIndex((one) => one.type === "folder" && map.lineage(one.node).includes(left)));
  }

  function activate(index) {
    const tile = state.tiles[index];
    if (tile.type === "file") {
      choose(tile.node);
    } else if (tile.node !== state.folder) {
      go(tile.node);
    } else {
      tableBox.querySelector("h3").focus();
    }
  }

  /* ---- keys ---- */

  function focusTile(index) {
    if (index < 0 || !state.nodes[index]) return;
    state.nodes[state.at].tabIndex = -1;
    state.at = index;
    state.nodes[index].tabIndex = 0;
    state.nodes[index].focus({ preventScroll: true });
    // Below what stays at the top: the sections, and the line that names the tile.
    const { top, bottom } = state.nodes[index].getBoundingClientRect();
    const edge = parseFloat(getComputedStyle(lineBox).top) + lineBox.offsetHeight + 8;
    const end = state.tiles[index].open ? top + map.headHeight : bottom;
    if (top < edge) scrollBy(0, top - edge);
    else if (end > innerHeight) scrollBy(0, Math.min(end + 8 - innerHeight, top - edge));
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  picture.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (Object.hasOwn(ARROWS, event.key)) focusTile(map.tiles.neighbour(state.tiles, state.at, ...ARROWS[event.key]));
    else if (event.key === "Home") focusTile(0);
    else if (event.key === "End") focusTile(state.tiles.length - 1);
    else if (event.key === "Enter" || event.key === " ") activate(state.at);
    else return;
    event.preventDefault();
  });
  app.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    const goesUp = (plain && ["Backspace", "Escape"].includes(event.key)) || (event.altKey && event.key === "ArrowUp");
    if (!goesUp) return;
    event.preventDefault();
    up();
  });

  /* ---- pointer ---- */

  const tileAt = (event) => {
    const node = event.target.closest(".map-tile");
    return node ? node.ociTile : -1;
  };
  picture.addEventListener("click", (event) => {
    const index = tileAt(event);
    if (index < 0) return;
    focusTile(index);
    activate(index);
  });
  picture.addEventListener("pointerover", (event) => {
    const index = tileAt(event);
    if (index >= 0) tell(state.tiles[index]);
  });
  picture.addEventListener("focusin", (event) => {
    const index = tileAt(event);
    if (index < 0) return;
    tell(state.tiles[index]);
  });
  app.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a, button");
    if (!link) return;
    if (link.ociFolder !== undefined) {
      event.preventDefault();
      go(link.ociFolder);
    } else if (link.ociLeaf !== undefined) {
      const leaf = link.ociLeaf;
      choose(leaf);
      const again = tableBox.querySelector(".map-chosen button");
      if (again) again.focus({ preventScroll: true });
    } else if (link.ociWhat !== undefined) {
      const on = link.getAttribute("aria-pressed") !== "true";
      state.only = on ? { by: state.by, side: link.ociWhat.side, what: link.ociWhat.what } : null;
      point();
    }
  });

  /* Point out the tiles that have anything of the entry that is pressed, in whatever folder. */
  function point() {
    const only = state.only && state.only.by === state.by ? state.only : null;
    for (const button of legendBox.querySelectorAll("button")) {
      const { side, what } = button.ociWhat;
      button.setAttribute("aria-pressed", String(only !== null && side === only.side && what === only.what));
    }
    picture.classList.toggle("map-pointing", only !== null);
    state.tiles.forEach((tile, i) => state.nodes[i].classList.toggle("map-pointed", map.tiles.has(tile, only)));
  }

  /* ---- at the start ---- */

  section.classList.add("map-runs");
  section.append(app);
  map.go = go;
  map.state = state;
  map.open = (path) => {
    const found = map.resolve(path);
    go(found.folder, found.leaf);
    return !found.lost;
  };
  /* Point out a layer's files, in the whole of the image. */
  map.pointOut = (layer) => {
    Object.assign(state, { by: "layer", only: { by: "layer", side: -1, what: layer } });
    app.querySelector("input[value=layer]").checked = true;
    go(0);
    paint();
    map.reveal();
  };
  /* Bring the map before the eyes, and the keyboard to what is chosen there. */
  map.reveal = () => {
    section.scrollIntoView();
    const seen = state.nodes.find((node) => node.getAttribute("aria-selected") === "true");
    const row = tableBox.querySelector(".map-chosen button");
    (seen || (state.leaf !== null && row) || state.nodes[0] || tableBox.querySelector("h3")).focus({
      preventScroll: Boolean(seen) || state.leaf === null,
    });
  };
  render();
  window.addEventListener("hashchange", () => follow(true));
  if (known.startsWith("#map=")) follow(true);
  let asked = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => {
      if (frame.clientWidth === state.width && frame.clientHeight === state.height) return;
      const inPicture = picture.contains(document.activeElement);
      draw();
      if (inPicture && state.nodes[state.at]) state.nodes[state.at].focus({ preventScroll: true });
    });
  }).observe(frame);
})();
