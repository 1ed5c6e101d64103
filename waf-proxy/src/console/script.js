// Renews the live part of a page. Without this script the browser loads the page anew by itself.
"use strict";

const EVERY = 3000;

async function renew() {
  const live = document.querySelector("[data-live]");
  if (!live || document.hidden || isUsed(live)) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store", redirect: "error" });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    // What the parser makes is inert: its scripts do not run.
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (fresh && !isUsed(live)) live.replaceChildren(...fresh.childNodes);
    lost(false);
  } catch {
    lost(true);
  }
}

// Somebody is marking text, or has moved to a link by keyboard: it must not vanish under them.
function isUsed(live) {
  const marked = getSelection();
  const isMarked = marked && !marked.isCollapsed && live.contains(marked.anchorNode);
  return isMarked || live.contains(document.activeElement);
}

function lost(isLost) {
  let notice = document.getElementById("lost");
  if (isLost && !notice) {
    notice = document.createElement("p");
    notice.id = "lost";
    notice.className = "notice";
    notice.setAttribute("role", "status");
    notice.textContent = `The proxy has not answered since ${new Date().toISOString()}; what you see is old.`;
    document.querySelector("main").before(notice);
  } else if (!isLost && notice) {
    notice.remove();
  }
}

setInterval(renew, EVERY);
