/* The search for paths: live as one types, in slices, so that typing never waits.

   Words must all match, capitals do not matter; a word is a piece of the path, from the root where
   it begins with "/", a whole name (or names, with "/" between) where it has "*" or "?". */
(() => {
  "use strict";
  const section = document.getElementById("map");
  if (!section || !section.ociMap || !section.ociMap.go) return;
  const map = section.ociMap;
  const { make, hashOf, layerText } = map.panels;

  const PAUSE = 100; // milliseconds after a key
  const SLICE = 8; // milliseconds of work at a time
  const PAGE = 100; // results

  const place = document.getElementById("search");
  const input = make("input", {
    type: "search",
    id: "search-text",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "search-help search-count",
  });
  const count = make("p", { class: "search-count", id: "search-count", role: "status" });
  const list = make("ol", { class: "search-hits", "aria-label": "Paths found" });
  const more = make("button", { type: "button", class: "map-button", hidden: true });
  place.classList.add("search");
  place.append(
    make("label", { for: "search-text" }, "Find a path"),
    input,
    make(
      "p",
      { class: "search-help", id: "search-help" },
      `All words must be in the path. /usr starts at the root, *.so is a whole name.${map.touch ? "" : " In the map, the key / leads here."}`,
    ),
    count,
    list,
    more,
  );
  place.setAttribute("aria-label", "Search");
  place.hidden = false;
  const entry = document.querySelector('.nav a[href="#search"]');
  if (entry) entry.parentElement.hidden = false;

  const unnamed = map.rests.reduce((sum, all) => all.reduce((inner, one) => inner + one.paths, sum), 0);

  /* A word as a test of the end of a path, with as many slashes as it has itself: only at the root
     does that begin with one. What matches a piece of a folder's path matches all in the folder. */
  function matcher(word) {
    const rooted = word.startsWith("/");
    const parts = word.split("/");
    const slashes = parts.length - 1;
    if (/[*?]/.test(word)) {
      const source = word.replace(/[\\^$.+|()[\]{}]/g, "\\$&").replace(/\*+/g, "[^/]*").replace(/\?/g, "[^/]");
      const pattern = new RegExp(`^${source}$`, "su");
      return { slashes, inherits: false, test: (tail) => pattern.test(tail) };
    }
    if (rooted) {
      return { slashes, inherits: true, test: (tail) => tail.startsWith(word) };
    }
    return { slashes, inherits: true, test: (tail) => tail.includes(word) };
  }

  let lower = null;

  function prepare() {
    lower = {
      folders: map.names.map((name) => name.toLowerCase()),
      leaves: map.leafNames.map((name) => name.toLowerCase()),
    };
  }

  /* The end of a path: a name with so many folders before it, "/" first where that is the root. */
  function tailOf(folder, name, slashes) {
    let tail = name;
    let one = folder;
    for (let i = 0; i < slashes; i += 1) {
      if (one <= 0) return one === 0 ? `/${tail}` : tail;
      tail = `${lower.folders[one]}/${tail}`;
      one = map.parents[one];
    }
    return tail;
  }

  let running = 0;

  /* Look through all paths, a slice at a time; done(hits) where nothing newer was asked meanwhile. */
  function scan(words, done) {
    running += 1;
    const mine = running;
    if (lower === null) prepare();
    const all = 2 ** words.length - 1;
    const inherited = new Uint32Array(map.size); // which words match a folder, and so all in it
    const own = new Uint32Array(map.size);
    const hits = [];
    const match = (name, folder, before) => {
      let found = before;
      words.forEach((word, i) => {
        if (!(found & (1 << i)) && word.test(tailOf(folder, name, word.slashes))) found |= 1 << i;
      });
      return found;
    };
    let at = 0;
    let leaf = 0;
    const inherits = words.reduce((bits, word, i) => bits | (word.inherits ? 1 << i : 0), 0);
    const step = () => {
      if (mine !== running) return;
      const end = performance.now() + SLICE;
      let rounds = 0;
      while (at < map.size) {
        if (leaf === map.leafStart[at] && at > 0) {
          const parent = map.parents[at];
          own[at] = match(lower.folders[at], parent, inherited[parent]);
          inherited[at] = own[at] & inherits;
          if (own[at] === all) hits.push({ folder: at, leaf: null, size: map.total(at), named: inherited[parent] !== all });
        }
        for (const last = map.leafStart[at + 1]; leaf < last; leaf += 1) {
          rounds += 1;
          if (rounds % 256 === 0 && performance.now() > end) {
            setTimeout(step, 0);
            return;
          }
          const found = match(lower.leaves[leaf], at, inherited[at]);
          if (found === all) hits.push({ folder: at, leaf, size: map.leafSizes[leaf], named: inherited[at] !== all });
        }
        at += 1;
        rounds += 1;
        if (rounds % 256 === 0 && performance.now() > end) {
          setTimeout(step, 0);
          return;
        }
      }
      done(hits);
    };
    step();
  }

  /* A path with what matched marked, as elements. */
  function marked(path, words) {
    const found = make("span", { class: "search-path", dir: "ltr" });
    const small = path.toLowerCase();
    const marks = [];
    if (small.length === path.length) {
      for (const word of words) {
        const pieces = word.split(/[*?]+/).filter((piece) => piece !== "" && piece !== "/");
        for (const piece of pieces) {
          const at = small.lastIndexOf(piece);
          if (at >= 0) marks.push([at, at + piece.length]);
        }
      }
    }
    marks.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    let at = 0;
    for (const [start, end] of marks) {
      if (end <= at) continue;
      const from = Math.max(start, at);
      found.append(path.slice(at, from), make("mark", {}, path.slice(from, end)));
      at = end;
    }
    found.append(path.slice(at));
    return found;
  }

  function hitNode(hit, words) {
    const folder = hit.leaf === null;
    const path = folder ? map.folderPath(hit.folder) : map.leafPath(hit.leaf);
    const link = make("a", { href: hashOf(path) }, marked(folder ? `${path}/` : path, words));
    link.ociHit = hit;
    const about = [map.humanSize(hit.size)];
    if (folder) {
      about.push(...[0, 1].filter((side) => map.sum(hit.folder, side)).map((side) => `${map.sides[side]} ${map.humanSize(map.sum(hit.folder, side))}`));
      if (about.length === 2) about[1] = map.sides[map.sum(hit.folder, 0) ? 0 : 1];
    } else {
      const kind = map.kinds[map.leafKinds[hit.leaf]];
      about.push(kind.label);
      if (map.leafLayers[hit.leaf] >= 0) about.push(layerText(kind.side, map.leafLayers[hit.leaf], 70));
    }
    return make("li", {}, link, make("span", { class: "search-about" }, about.join(" · ")));
  }

  let shown = 0;
  let hits = [];
  let words = [];
  let ordered = 0; // so many of the hits are in their order, and stand before all others

  /* Where the name itself matches, not only a folder above it, first; then the largest. */
  const weight = (hit) => (hit.named ? 2 ** 52 : 0) + hit.size;

  /* Put the next page of hits into order: all of a hundred thousand would take too long. */
  function order() {
    const rest = hits.slice(ordered);
    const weights = Float64Array.from(rest, weight).sort();
    const least = weights[Math.max(weights.length - PAGE, 0)];
    const next = rest.filter((hit) => weight(hit) >= least).sort((a, b) => weight(b) - weight(a));
    hits = [...hits.slice(0, ordered), ...next, ...rest.filter((hit) => weight(hit) < least)];
    ordered += next.length;
  }

  function showMore() {
    while (ordered < Math.min(shown + PAGE, hits.length)) order();
    const next = hits.slice(shown, shown + PAGE);
    list.append(...next.map((hit) => hitNode(hit, words)));
    shown += next.length;
    more.hidden = shown >= hits.length;
    more.textContent = `Show ${Math.min(PAGE, hits.length - shown)} more`;
  }

  function finish(found) {
    hits = found;
    ordered = 0;
    shown = 0;
    list.replaceChildren();
    showMore();
    const folded = unnamed
      ? ` ${map.plural(unnamed, "smaller file")} ${unnamed === 1 ? "is" : "are"} folded and ${unnamed === 1 ? "has" : "have"} no name in this page.`
      : "";
    const first = hits.length > PAGE ? `, the first ${PAGE} are shown` : "";
    const what = hits.length ? map.plural(hits.length, "path") + first : "No path matches";
    count.textContent = `${what}.${folded}`;
    place.classList.toggle("search-open", true);
  }

  function ask() {
    words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "" && word !== "/").slice(0, 31);
    if (!words.length) {
      running += 1;
      hits = [];
      shown = 0;
      list.replaceChildren();
      more.hidden = true;
      count.textContent = "";
      return;
    }
    scan(words.map(matcher), finish);
  }

  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    running += 1; // what is under way is of no use any more
    waiting = setTimeout(ask, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.firstElementChild) {
      event.preventDefault();
      list.querySelector("a").focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const links = [...list.querySelectorAll("a")];
    const next = links.indexOf(document.activeElement) + step;
    if (next < 0) input.focus();
    else if (links[next]) links[next].focus();
  });
  more.addEventListener("click", () => {
    const at = shown;
    showMore();
    const first = list.children[at];
    if (first) first.querySelector("a").focus();
  });
  list.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    map.go(link.ociHit.folder, link.ociHit.leaf);
    map.reveal();
  });
  /* Only from within: a key that works everywhere is in the way of those who speak to a page. */
  const jump = (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key !== "/" || !plain || event.target === input) return;
    event.preventDefault();
    place.scrollIntoView();
    input.focus({ preventScroll: true });
    input.select();
  };
  section.addEventListener("keydown", jump);
  place.addEventListener("keydown", jump);
})();
