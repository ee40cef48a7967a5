// What makes the pages nicer; they work without it. Only security keys and passkeys need a script, by their nature.
"use strict";
(() => {
  const all = (selector, of = document) => Array.from(of.querySelectorAll(selector));

  for (const note of all(".unscripted")) note.hidden = true;

  const live = document.createElement("p");
  live.className = "unseen";
  live.setAttribute("role", "status");
  document.body.append(live);

  // Show and hide a password.
  for (const button of all("[data-reveal]")) {
    const field = document.getElementById(button.dataset.reveal);
    const show = (visible, quietly) => {
      field.type = visible ? "text" : "password";
      button.setAttribute("aria-pressed", visible);
      button.setAttribute("aria-label", visible ? button.dataset.hide : button.dataset.show);
      if (!quietly) live.textContent = visible ? button.dataset.shown : button.dataset.hidden;
    };
    button.hidden = false;
    button.addEventListener("click", () => show(field.type === "password"));
    field.form.addEventListener("submit", () => show(false, true)); // browsers store what is sent as text
  }

  // Copy a secret, or the backup codes that are still good.
  for (const button of all("[data-copy]")) {
    if (!navigator.clipboard) continue;
    const source = document.getElementById(button.dataset.copy);
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.dataset.text || source.textContent);
      button.textContent = live.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }

  // A message is sent again when the first has had time to arrive; the button says when that is.
  for (const button of all("[data-wait]")) {
    const label = button.textContent;
    const end = Date.now() + 1000 * button.dataset.wait;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? button.dataset.waiting.replace("{seconds}", left) : label;
      if (left > 0) setTimeout(tick, (end - Date.now()) % 1000 || 1000);
    };
    tick();
  }

  for (const button of all("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // A time is chosen where one is, and sent with its zone (RFC 3339).
  for (const field of all("[data-moment]")) {
    const when = new Date(field.value);
    field.type = "datetime-local";
    if (!isNaN(when)) field.value = new Date(when - when.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    document.getElementById(field.id + "-hint").hidden = true;
    field.form.addEventListener("formdata", (event) => {
      if (field.value) event.formData.set(field.name, new Date(field.value).toISOString());
    });
  }

  // A code may be pasted anywhere on the page, with whatever the message had around it.
  const codeField = document.querySelector("input[autocomplete='one-time-code'][inputmode='numeric']");
  if (codeField) {
    document.addEventListener("paste", (event) => {
      const found = /(?:^|\D)(\d{6})(?:\D|$)/.exec(event.clipboardData.getData("text"));
      const elsewhere = event.target.matches("input, select, textarea") && event.target !== codeField;
      if (!found || elsewhere) return;
      event.preventDefault();
      codeField.value = found[1];
      codeField.focus();
    });
  }

  // Say at once that a field is empty, in the words the server would use, and keep what was typed.
  const missing = document.getElementById("missing");
  const complain = (field) => {
    const box = field.closest(".field");
    const text = missing.content.firstElementChild.cloneNode(true);
    text.id = field.id + "-empty";
    box.append(text);
    box.classList.add("wrong");
    const before = field.getAttribute("aria-describedby");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", [text.id, before].filter(Boolean).join(" "));
    field.addEventListener("input", () => {
      text.remove();
      box.classList.remove("wrong");
      field.removeAttribute("aria-invalid");
      if (before) field.setAttribute("aria-describedby", before);
      else field.removeAttribute("aria-describedby");
    }, { once: true });
  };

  for (const form of all("form")) {
    form.addEventListener("submit", (event) => {
      if (form.getAttribute("aria-busy")) {
        event.preventDefault(); // once is enough
        return;
      }
      if (missing && event.submitter && event.submitter.hasAttribute("data-checks")) {
        const empty = all("input[required], select[required]", form).filter(
          (field) => field.type !== "hidden" && field.type !== "checkbox" && !field.disabled && !field.value,
        );
        for (const field of empty) if (!document.getElementById(field.id + "-empty")) complain(field);
        if (empty.length) {
          event.preventDefault();
          empty[0].focus();
          return;
        }
      }
      form.setAttribute("aria-busy", "true");
    });
  }
  addEventListener("pageshow", () => all("form[aria-busy]").forEach((form) => form.removeAttribute("aria-busy")));

  // Security keys and passkeys: the functions come from webauthn.js, which may arrive later than this file.
  const call = (name, value) => {
    const run = () => { if (typeof window[name] === "function") window[name](...(value ? [value] : [])); };
    if (window.__oryWebAuthnInitialized || typeof window[name] === "function") run();
    else addEventListener("oryWebAuthnInitialized", run, { once: true });
  };
  // What a key or its owner would not do is told beside the button, in words for people.
  let pressed = null;
  const trouble = document.getElementById("key-trouble");
  if (trouble) addEventListener("limen:key-error", (event) => {
    event.preventDefault();
    const form = pressed ? pressed.form : document.querySelector("form");
    for (const old of all("[data-key-trouble]")) old.remove();
    const box = trouble.content.firstElementChild.cloneNode(true);
    const told = trouble.dataset;
    const known = { NotAllowedError: told.notAllowed, InvalidStateError: told.invalidState, SecurityError: told.security };
    box.dataset.keyTrouble = "";
    box.querySelector("span").textContent = known[event.detail && event.detail.name] || told.other;
    form.prepend(box);
  });
  for (const button of all("[data-trigger]")) {
    const able = "PublicKeyCredential" in window;
    button.hidden = !able;
    const note = button.parentElement.querySelector("[data-unsupported]");
    if (note) note.hidden = able;
    button.addEventListener("click", () => {
      const needed = button.dataset.needs && button.form.elements[button.dataset.needs];
      if (needed && !needed.value) {
        if (!document.getElementById(needed.id + "-empty")) complain(needed);
        needed.focus();
        return;
      }
      pressed = button;
      call(button.dataset.trigger, button.value);
    });
  }
  for (const field of all("[data-onload]")) if ("PublicKeyCredential" in window) call(field.dataset.onload);
})();
