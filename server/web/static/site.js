// Everything on the pages works without this file. With it, times are told in
// the reader's own zone and run, long numbers are copied with one press, and
// the page says what changes and when it has lost touch.
(() => {
  "use strict";

  const skew = Date.parse(document.body.dataset.now) - Date.now() || 0;
  const now = () => Date.now() + skew; // by the server's clock
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const title = document.title;

  // Times.

  const zoned = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });

  function localise(within) {
    for (const time of all("time[data-local]", within)) {
      const at = new Date(time.dateTime);
      if (time.title || Number.isNaN(at.getTime())) continue;
      time.title = time.textContent;
      time.textContent = zoned.format(at).replaceAll(" ", "\u00a0").replace(",\u00a0", ", "); // breaks at one place at most
    }
  }

  function span(milliseconds) {
    const s = Math.max(0, Math.floor(milliseconds / 1000));
    if (s >= 172800) return Math.floor(s / 86400) + " days " + (Math.floor(s / 3600) % 24) + " h";
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    if (h > 0) return h.toLocaleString("en") + " h " + m + " min";
    return m > 0 ? m + " min " + (s % 60) + " s" : s + " s";
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    for (const time of all("time[data-countdown]")) {
      const left = Date.parse(time.dateTime) - now();
      write(time, span(left));
      if (left <= -1000 && time.dataset.then === "refresh") {
        delete time.dataset.then;
        refresh();
      }
    }
    for (const time of all("time[data-since]")) write(time, span(now() - Date.parse(time.dateTime)));
  }

  // Copying.

  function offerCopies(within) {
    if (!navigator.clipboard) return;
    for (const button of all("button[data-copy]", within)) button.hidden = false;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent).then(
      () => { button.textContent = "Copied"; announce("Copied."); },
      () => { button.textContent = "Copy it by hand"; },
    );
  });

  // A form is sent once, until the page is seen again.

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of all("button", form)) button.setAttribute("aria-disabled", "true");
  });

  addEventListener("pageshow", (event) => {
    for (const form of all("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of all("button", form)) button.removeAttribute("aria-disabled");
    }
    if (!event.persisted) return; // the browser kept the page as it was
    if (live()) refresh();
    else location.replace(location.href);
  });

  // What is said to those who listen, and in the title.

  function announce(text) {
    const announcer = document.getElementById("announcer");
    if (announcer && text) write(announcer, text);
  }

  let told = "";
  function tell() {
    const said = all("[data-announce]").pop(); // the innermost knows most
    if (said && said.dataset.announce !== told) {
      if (told) announce(said.dataset.announce);
      told = said.dataset.announce;
    }
    const titled = all("[data-title]").pop();
    if (titled) document.title = titled.dataset.title === "Data Export" ? title : titled.dataset.title + " · " + title;
  }

  function dress(within) {
    localise(within);
    offerCopies(within);
    tick();
    tell();
  }

  // The part of the page that moves. htmx puts it in place.

  const live = () => document.getElementById("live");
  const refresh = () => { if (live() && window.htmx) window.htmx.trigger(live(), "refresh"); };

  function show(id, visible) {
    const note = document.getElementById(id);
    if (note) note.hidden = !visible;
  }

  let losing;
  function lost() {
    losing = losing || setTimeout(() => show("offline", true), 3000);
  }

  function found() {
    clearTimeout(losing);
    losing = undefined;
    show("offline", false);
  }

  function signedOut() {
    found();
    live().removeAttribute("sse-connect"); // or it would be tried for ever
    live().inert = true;
    show("signed-out", true);
  }

  let open = [], scrolled = [], focused = false;
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:sseBeforeMessage", remember);
  function remember() {
    open = all("#live details[open]").map((details) => details.id);
    scrolled = all("#live .strip").map((strip) => [strip.id, strip.scrollLeft]);
    focused = live() !== null && live().contains(document.activeElement);
  }

  function swapped() {
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    for (const [id, left] of scrolled) {
      const strip = document.getElementById(id);
      if (strip) strip.scrollLeft = left;
    }
    dress(document); // what was put elsewhere, too
    const heading = document.getElementById("export-title");
    if (focused && heading && document.activeElement === document.body) heading.focus();
  }
  document.addEventListener("htmx:afterSwap", swapped);
  document.addEventListener("htmx:sseMessage", swapped);

  // The stream. A tab that nobody looks at lets go of its own once another is
  // looked at, since a browser holds few, and catches up when it is seen again.

  let source;
  const tabs = new BroadcastChannel("data-export");
  tabs.onmessage = () => {
    if (!document.hidden || !live() || !source) return;
    live().removeAttribute("sse-connect");
    source.close();
  };

  function here() {
    if (document.hidden) return;
    if (live()) tabs.postMessage("here");
  }
  here();

  document.addEventListener("visibilitychange", () => {
    here();
    if (!document.hidden && live() && !live().inert) refresh();
  });

  document.addEventListener("htmx:sseOpen", (event) => {
    source = event.detail.source;
    found();
  });

  document.addEventListener("htmx:sseError", (event) => {
    lost();
    if (event.detail.source.readyState !== EventSource.CLOSED || !live()) return; // it is tried again
    live().removeAttribute("sse-connect");
    refresh(); // and hear why, or connect anew
  });

  function tryAgain() {
    lost();
    setTimeout(refresh, 5000);
  }

  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) found(); });
  document.addEventListener("htmx:sendError", tryAgain);
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401) signedOut();
    else if (status === 403) location.replace(event.detail.xhr.responseURL.replace(/\/live\b.*/, "")); // which says why
    else tryAgain();
  });

  // What was just done is said once, not whenever the page is loaded again.
  if (location.search.startsWith("?done=")) history.replaceState(null, "", location.pathname);

  dress(document);
  const note = document.querySelector("#live .note[role]");
  if (note) setTimeout(() => announce(note.textContent.trim()), 500); // what is there from the start is not spoken
  setInterval(tick, 1000);
})();
