"use strict";
// Replays the lanes of each picture: they grow to the moment that the slider shows. Without this script the page shows
// them whole.
const speeds = [1, 2, 5, 10, 20, 100]; // times slower than it was;
const shortest = 4; // seconds that a replay takes at least, as it is first offered

function replay(svg, number) {
  const whole = +svg.dataset.seconds, left = +svg.dataset.left, right = +svg.dataset.right;
  const { width, height } = svg.viewBox.baseVal;
  const xOf = (at) => left + ((right - left) * at) / whole;
  const draw = (name, parent, attributes) => {
    const made = document.createElementNS(svg.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  };
  const lanes = svg.querySelector(".lanes");
  const times = [...svg.querySelectorAll("[data-at]")];
  const clip = draw("clipPath", svg, { id: "grown" + number });
  const grown = draw("rect", clip, { x: 0, y: 0, width, height });
  lanes.setAttribute("clip-path", `url(#grown${number})`);
  const now = draw("line", svg, { class: "now" });

  // The moments at which anything on a lane begins or ends.
  const edges = [0, whole];
  for (const bar of lanes.querySelectorAll("rect")) {
    const from = +bar.getAttribute("x"), to = from + +bar.getAttribute("width");
    for (const x of [from, to]) edges.push(((x - left) / (right - left)) * whole);
  }
  for (const dot of lanes.querySelectorAll("circle")) edges.push(((+dot.getAttribute("cx") - left) / (right - left)) * whole);
  const pause = whole / 1000;
  const moments = edges.sort((a, b) => a - b).filter((at, i) => i === 0 || at - edges[i - 1] > pause);

  const bar = document.createElement("div");
  bar.className = "replay";
  const add = (tag, properties) => bar.appendChild(Object.assign(document.createElement(tag), properties));
  const play = add("button", { type: "button", title: "space, where the picture has the focus; arrow keys step" });
  const back = add("button", { type: "button", textContent: "◀", ariaLabel: "One step back" });
  const forth = add("button", { type: "button", textContent: "▶", ariaLabel: "One step forward" });
  const slider = add("input", { type: "range", min: 0, max: 1000, value: 1000, ariaLabel: "Moment" });
  const clock = add("output", {});
  const speed = add("select", { ariaLabel: "Speed" });
  for (const slower of speeds) speed.append(new Option(slower === 1 ? "as fast as it was" : `${slower} times slower`, slower));
  speed.value = speeds.find((slower) => whole * slower >= shortest) ?? speeds.at(-1);
  svg.after(bar);

  let at = whole, playing = 0, before = 0;
  const show = (moment) => {
    at = Math.min(whole, Math.max(0, moment));
    grown.setAttribute("width", at >= whole ? width : xOf(at));
    const box = lanes.getBBox();
    for (const [key, value] of [["x1", xOf(at)], ["x2", xOf(at)], ["y1", box.y], ["y2", box.y + box.height]]) now.setAttribute(key, value);
    now.style.visibility = at >= whole ? "hidden" : "";
    for (const time of times) time.style.visibility = at >= whole || +time.dataset.at <= at ? "" : "hidden";
    slider.value = Math.round((at / whole) * 1000);
    clock.value = whole < 0.1 ? `${(at * 1e3).toFixed(2)} ms` : `${at.toFixed(3)} s`;
    slider.setAttribute("aria-valuetext", clock.value);
  };
  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "Play";
  };
  const frame = (moment) => {
    show(at + (moment - before) / 1000 / speed.value);
    before = moment;
    if (at >= whole) stop();
    else playing = requestAnimationFrame(frame);
  };
  const toggle = () => {
    if (playing) return stop();
    if (at >= whole) show(0);
    before = performance.now();
    play.textContent = "Pause";
    playing = requestAnimationFrame(frame);
  };
  const step = (direction) => {
    stop();
    const next = direction > 0 ? moments.find((moment) => moment > at + pause) : moments.findLast((moment) => moment < at - pause);
    show(next ?? (direction > 0 ? whole : 0));
  };
  play.onclick = toggle;
  back.onclick = () => step(-1);
  forth.onclick = () => step(1);
  slider.oninput = () => { stop(); show((slider.value / 1000) * whole); };
  // Keys of the figure; a button, the slider and the list keep their own.
  svg.tabIndex = 0;
  svg.onkeydown = (event) => {
    const keys = { " ": toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1),
                   Home: () => { stop(); show(0); }, End: () => { stop(); show(whole); } };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  stop();
  show(whole);
}

document.querySelectorAll("svg[data-seconds]").forEach(replay);
