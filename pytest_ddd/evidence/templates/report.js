"use strict";
// Without this script all rows are there and the outcome buttons work; it adds search and lists.
(() => {
  const results = document.getElementById("results");
  if (!results) return;
  const more = document.getElementById("more-filters");
  const fields = { text: document.getElementById("f-text"), host: document.getElementById("f-host"),
                   control: document.getElementById("f-control") };
  const shown = document.getElementById("f-shown");
  let rows = null;

  const index = () => {
    if (rows) return rows;
    rows = Array.from(results.getElementsByClassName("row"), (row) => ({
      row, host: row.querySelector(".target").textContent, controls: (row.dataset.controls || "").split("|"),
      text: row.firstElementChild.textContent.toLowerCase(),
    }));
    return rows;
  };
  const fill = (select, names) => {
    if (select.options.length > 1) return;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    for (const name of Array.from(new Set(names)).filter(Boolean).sort(order)) select.add(new Option(name, name));
  };
  const apply = () => {
    const words = fields.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const host = fields.host.value, control = fields.control.value;
    let count = 0;
    for (const one of index()) {
      const fits = (!host || one.host === host) && (!control || one.controls.includes(control))
        && words.every((word) => one.text.includes(word));
      if (one.row.hidden === fits) one.row.hidden = !fits;
      count += fits;
    }
    for (const group of results.getElementsByClassName("rows")) {
      const empty = !group.querySelector(".row:not([hidden])");
      if (group.hidden !== empty) group.hidden = empty;
    }
    const all = count === rows.length;
    shown.textContent = all ? "" : count.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " lines fit";
  };
  const reset = () => {
    fields.text.value = fields.host.value = fields.control.value = "";
    document.getElementById("f-all").checked = true;
    if (rows) apply();
  };
  const visit = () => {
    const aim = /^#r-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!aim) return;
    reset();
    aim.closest(".step").open = aim.open = true;
    aim.scrollIntoView();
  };

  let waiting = 0;
  fields.text.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 150); });
  fields.host.addEventListener("focus", () => fill(fields.host, index().map((one) => one.host)));
  fields.control.addEventListener("focus", () => fill(fields.control, index().flatMap((one) => one.controls)));
  fields.host.addEventListener("change", apply);
  fields.control.addEventListener("change", apply);
  document.getElementById("f-reset").addEventListener("click", reset);
  addEventListener("hashchange", visit);

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll(".item details:not([open])"));
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  more.hidden = false;
  visit();
})();
