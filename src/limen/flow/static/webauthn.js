// Lets a form talk to security keys and passkeys (W3C Web Authentication). A form names the functions at the end of
// this file; each reads a question from the form, asks the browser, puts the answer into a hidden field and submits.
"use strict";
(() => {
  if (!window.PublicKeyCredential || window.__oryWebAuthnInitialized) return;

  // --- base64url, as the server writes and reads bytes ------------------------------------------------------------

  const toBytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };

  const toText = (buffer) => {
    let plain = "";
    for (const byte of new Uint8Array(buffer)) plain += String.fromCharCode(byte);
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  // --- questions and answers --------------------------------------------------------------------------------------

  const listed = (keys) => keys.map((key) => ({ ...key, id: toBytes(key.id) }));

  const question = (source) => {
    const { publicKey } = typeof source === "string" ? JSON.parse(source) : source;
    const asked = { ...publicKey, challenge: toBytes(publicKey.challenge) };
    if (publicKey.user) asked.user = { ...publicKey.user, id: toBytes(publicKey.user.id) };
    if (publicKey.allowCredentials) asked.allowCredentials = listed(publicKey.allowCredentials);
    if (publicKey.excludeCredentials) asked.excludeCredentials = listed(publicKey.excludeCredentials);
    return asked;
  };

  const answer = (credential) => {
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[part]) response[part] = toText(credential.response[part]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
  };

  // --- the form ---------------------------------------------------------------------------------------------------

  const field = (name) => document.getElementsByName(name)[0];

  const send = (into, credential) => {
    into.value = answer(credential);
    // Not `form.submit()`: a button may be called "submit".
    HTMLFormElement.prototype.submit.call(into.closest("form"));
  };

  // A page that has a better place for it says so by preventing the event.
  const complain = (error) => {
    if (error && error.name === "AbortError") return;
    const told = new CustomEvent("limen:key-error", { cancelable: true, detail: error });
    if (window.dispatchEvent(told)) window.alert(error && error.message ? error.message : String(error));
  };

  const missing = (names) => {
    console.error("The form lacks a field that the key needs: " + names.join(", ") + ".");
  };

  const stopWaiting = () => {
    if (!window.abortPasskeyConditionalUI) return;
    window.abortPasskeyConditionalUI.abort();
    window.abortPasskeyConditionalUI = undefined;
  };

  // --- what forms call --------------------------------------------------------------------------------------------

  const withKey = (act, resultSelector, triggerSelector) => async (options, resultAt, triggerAt) => {
    const into = document.querySelector(resultAt || resultSelector);
    const trigger = document.querySelector(triggerAt || triggerSelector);
    if (!into || !(options || trigger)) return missing([resultAt || resultSelector]);
    try {
      send(into, await act({ publicKey: question(options || trigger.value) }));
    } catch (error) {
      complain(error);
    }
  };

  const get = (asked) => navigator.credentials.get(asked);
  const create = (asked) => navigator.credentials.create(asked);

  const oryWebAuthnLogin = withKey(get, '*[name="webauthn_login"]', '*[name="webauthn_login_trigger"]');
  const oryWebAuthnRegistration = withKey(
    create,
    '*[name="webauthn_register"]',
    '*[name="webauthn_register_trigger"]',
  );

  // The browser offers passkeys in the list of the name's field, for as long as the page is open.
  const oryPasskeyLoginAutocompleteInit = async () => {
    const asked = field("passkey_challenge");
    const into = field("passkey_login");
    if (!asked || !into || !field("identifier")) return missing(["passkey_challenge", "passkey_login", "identifier"]);
    // Cypress fills such fields by itself.
    const able = PublicKeyCredential.isConditionalMediationAvailable;
    if (window.Cypress || !able || !(await able.call(PublicKeyCredential))) return;
    stopWaiting();
    const controller = new AbortController();
    window.abortPasskeyConditionalUI = controller;
    try {
      const { signal } = controller;
      send(into, await get({ publicKey: question(asked.value), mediation: "conditional", signal }));
    } catch (error) {
      console.info(error); // nobody asked for anything yet
    }
  };

  const oryPasskeyLogin = async () => {
    const asked = field("passkey_challenge");
    const into = field("passkey_login");
    if (!asked || !into) return missing(["passkey_challenge", "passkey_login"]);
    stopWaiting(); // a browser asks one question at a time
    try {
      send(into, await get({ publicKey: question(asked.value) }));
    } catch (error) {
      complain(error);
      if (into.dataset.onload || field("identifier")) oryPasskeyLoginAutocompleteInit();
    }
  };

  const makePasskey = (into, source) => async () => {
    const asked = field("passkey_create_data");
    const result = field(into);
    if (!asked || !result) return missing(["passkey_create_data", into]);
    try {
      send(result, await create({ publicKey: source(JSON.parse(asked.value)) }));
    } catch (error) {
      complain(error);
    }
  };

  // A new account has no name yet but what was typed into the form.
  const oryPasskeyRegistration = makePasskey("passkey_register", (data) => {
    const publicKey = question(data.credentialOptions);
    const names = (data.displayNameFieldNames || [data.displayNameFieldName]).map(field);
    const named = names.find((input) => input && input.value);
    if (named) publicKey.user.name = publicKey.user.displayName = named.value;
    return publicKey;
  });
  const oryPasskeySettingsRegistration = makePasskey("passkey_settings_register", question);

  const functions = {
    oryWebAuthnLogin,
    oryWebAuthnRegistration,
    oryPasskeyLogin,
    oryPasskeyLoginAutocompleteInit,
    oryPasskeyRegistration,
    oryPasskeySettingsRegistration,
  };
  for (const [name, run] of Object.entries(functions)) {
    window[name] = run;
    window["__" + name] = run; // what older forms call it
  }
  window.__oryWebAuthnInitialized = true;
  window.dispatchEvent(new CustomEvent("oryWebAuthnInitialized"));
})();
