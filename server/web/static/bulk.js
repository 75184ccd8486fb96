// What a form asks for is counted while it is filled in, and what moves is
// asked for as long as somebody looks. The page works without this file.
(() => {
  "use strict";

  const start = document.getElementById("start"), end = document.getElementById("end"), asks = document.getElementById("asks"), button = document.getElementById("ask-job");
  const newest = end.max, oldest = start.min, day = 86400000;
  const number = (n) => n.toLocaleString("en");
  const days = (n) => n === 1 ? "1 day" : number(n) + " days";

  // The server says it the same way.
  function sentence(n, left, limit) {
    if (n < 1) return "Choose a first and a last day.";
    if (n > left) return "This asks for " + days(n) + ", and only " + number(left) + " of today’s " + number(limit) + (left === 1 ? " is left." : " are left.");
    return "This asks for " + days(n) + ", and leaves " + number(left - n) + " of today’s " + number(limit) + ".";
  }

  // Where nothing is left to be asked for, it says when there is something again.
  function spent(limit) {
    if (asks.dataset.state === "spent") return;
    const again = document.querySelector("#quota time").cloneNode(true);
    asks.replaceChildren("All " + number(limit) + " of today’s days are asked for; they are there again on ", again, ".");
    asks.dataset.state = "spent";
  }

  function count() {
    const quota = document.getElementById("quota").dataset;
    const left = Number(quota.left), n = Math.round((end.valueAsNumber - start.valueAsNumber) / day) + 1 || 0;
    end.min = start.value || oldest;
    start.max = newest;
    button.disabled = left === 0;
    if (left === 0) return spent(Number(quota.limit));
    const text = sentence(n, left, Number(quota.limit));
    if (asks.textContent !== text) asks.textContent = text;
    asks.dataset.state = n > left ? "over" : "";
  }
  for (const field of [start, end]) field.addEventListener("input", count);
  document.addEventListener("htmx:oobAfterSwap", count);
  addEventListener("pageshow", count); // the browser may have kept what was typed

  function ask() {
    const live = document.getElementById("live");
    if (!document.hidden && !live.inert && window.htmx) window.htmx.trigger(live, "refresh");
    setTimeout(ask, Number(live.dataset.pace));
  }
  setTimeout(ask, Number(document.getElementById("live").dataset.pace));
})();
