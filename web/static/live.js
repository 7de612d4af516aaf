// Keeps a page up to date. Without it the page says the same when it is loaded again.
(() => {
  const source = document.querySelector("[data-live-source]");
  if (!source || !window.EventSource) return;
  // What is shown once stays until its reader goes: loaded again, the page would be without it.
  if (document.querySelector(".secret")) return;
  let busy = false;
  let again = false;

  // Fetches the page and takes over those of its parts that have changed, each found by its id.
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.redirected || !answer.ok) { location.reload(); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh) continue;
        // A badge says by its class how it is meant.
        old.className = fresh.className;
        if (fresh.innerHTML === old.dataset.was) continue;
        // What somebody is using stays until they have left it.
        if (old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue;
        const open = [...old.querySelectorAll("details[open]")].map((details) => details.id);
        old.dataset.was = fresh.innerHTML;
        old.innerHTML = fresh.innerHTML;
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      }
    } catch {
      // The line is down; the next event comes with the next connection.
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  for (const part of document.querySelectorAll("[data-live]")) part.dataset.was = part.innerHTML;
  const events = new EventSource(source.dataset.liveSource);
  events.addEventListener("news", refresh);
})();
