"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [value, unit, told, at, reading] = ["value", "unit", "told", "value-at", "reading"].map((id) => document.getElementById(id));
  const spans = [...reading.getElementsByTagName("b")];
  const telling = [...document.querySelectorAll(".telling button")];
  const bytes = new Map();
  let here = -1;

  const sub = document.querySelector("math msub");
  if (sub) {
    const [base, low] = [...sub.children].map((part) => part.getBoundingClientRect());
    if (low.bottom - base.bottom < 0.12 * base.height) document.documentElement.classList.add("plain-math");
  }

  const chosen = () => {
    const [layer, name] = JSON.parse(value.value);
    return { layer, name, ...data.layers[layer].values[name] };
  };
  const unpacked = (of) => {
    const key = of.layer + " " + of.name;
    if (!bytes.has(key)) {
      const text = atob(of.data);
      const found = new Int8Array(text.length);
      for (let k = 0; k < text.length; k += 1) found[k] = text.charCodeAt(k);
      bytes.set(key, found);
    }
    return bytes.get(key);
  };
  const row = (of) => of.units.indexOf(Number(unit.value));
  const number = (v) => v.toFixed(2).replace("-", "−");
  const shown = (k) => data.tokens[k].replace(/\n/g, "⏎");
  const around = (k) => "“" + data.tokens.slice(Math.max(0, k - data.context + 1), k + 1).join("").replace(/\s+/g, " ").trim() + "”";

  const colour = () => {
    const of = chosen();
    const k = row(of);
    if (k < 0) return;
    const all = unpacked(of);
    const steps = spans.length;
    const real = (t) => of.middle[k] + (all[k * steps + t] / 127) * of.reach[k];
    let [low, high] = [0, 0];
    for (let t = 0; t < steps; t += 1) {
      spans[t].style.setProperty("--v", (all[k * steps + t] / 127).toFixed(2));
      if (real(t) > real(high)) high = t;
      if (real(t) < real(low)) low = t;
    }
    told.textContent = "Unit " + unit.value + " of " + of.name + ", " + data.layers[of.layer].label + ": lowest, " + number(real(low)) +
      ", after " + around(low) + "; highest, " + number(real(high)) + ", after " + around(high) + ".";
    for (const button of telling) {
      const same = Number(button.dataset.layer) === of.layer && button.dataset.value === of.name && button.dataset.unit === unit.value;
      button.setAttribute("aria-pressed", String(same));
    }
    if (here >= 0) tell(here);
  };
  const nearest = (of, wanted) => of.units.reduce((best, u) => (Math.abs(u - wanted) < Math.abs(best - wanted) ? u : best), of.units[0]);
  const choose = (wanted) => {
    const of = chosen();
    unit.max = String(of.units[of.units.length - 1]);
    unit.value = String(nearest(of, wanted));
    colour();
  };
  const move = (by) => {
    const of = chosen();
    const k = row(of) + by;
    choose(of.units[(k + of.units.length) % of.units.length]);
  };
  const tell = (t) => {
    const of = chosen();
    const k = row(of);
    if (here >= 0) spans[here].classList.remove("here");
    here = t;
    spans[t].classList.add("here");
    const real = of.middle[k] + (unpacked(of)[k * spans.length + t] / 127) * of.reach[k];
    at.textContent = "Step " + (t + 1) + ", after “" + shown(t) + "”: unit " + unit.value + " of " + of.name + " is " + number(real) + ".";
  };

  value.addEventListener("change", () => choose(Number(unit.value)));
  unit.addEventListener("change", () => choose(Number(unit.value) || 0));
  document.getElementById("before").addEventListener("click", () => move(-1));
  document.getElementById("next").addEventListener("click", () => move(1));
  for (const button of telling) {
    button.addEventListener("click", () => {
      value.value = JSON.stringify([Number(button.dataset.layer), button.dataset.value]);
      choose(Number(button.dataset.unit));
    });
  }
  const place = new Map(spans.map((span, t) => [span, t]));
  const point = (event) => {
    if (place.has(event.target)) tell(place.get(event.target));
  };
  reading.addEventListener("pointerover", point);
  reading.addEventListener("click", point);
  reading.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    tell(Math.min(spans.length - 1, Math.max(0, here + by)));
    spans[here].scrollIntoView({ block: "nearest" });
  });
})();
