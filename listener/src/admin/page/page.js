// Helps; every page works without it.
"use strict";

// Says at once whether a payload is JSON, and where it is not.
for (const area of document.querySelectorAll("textarea[data-json]")) {
  const said = document.getElementById((area.getAttribute("aria-describedby") || "").split(" ")[0]);
  let timer;
  const check = () => {
    let message = "";
    if (!area.value.trim() && area.hasAttribute("data-optional")) {
      area.removeAttribute("aria-invalid");
      if (said) said.textContent = "";
      return;
    }
    try {
      JSON.parse(area.value);
      message = "This is JSON.";
      area.removeAttribute("aria-invalid");
    } catch (error) {
      message = "This is not JSON: " + error.message;
      area.setAttribute("aria-invalid", "true");
    }
    if (said && said.textContent !== message) said.textContent = message;
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 300);
  });
}

// Looks again at what is still running, without taking the focus away.
const refresh = async () => {
  const part = document.querySelector("[data-refresh]");
  if (!part) return;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    if (answer.ok && !part.contains(document.activeElement)) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh) part.replaceWith(document.adoptNode(fresh));
    }
  } catch {
    return; // Signed out, or away: the link is still there.
  }
  setTimeout(refresh, 2000);
};
setTimeout(refresh, 2000);

// Copies a command.
for (const code of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected: copy it with the keyboard";
    }
  });
  code.after(button);
}
