// Passkeys: asks the authenticator for what the server wants signed, and sends the form with it. Loaded where a form has a
// field `data-passkey`; without a script that form's button stays hidden, or its own words say what is missing.
"use strict";

const fromText = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const listed = (list) => (list || []).map((key) => ({ ...key, id: fromText(key.id) }));

/** What a new passkey is, for the server. */
async function create(options) {
    const { challenge, user, excludeCredentials, ...rest } = options;
    const made = await navigator.credentials.create({
        publicKey: {
            ...rest,
            challenge: fromText(challenge),
            user: { ...user, id: fromText(user.id) },
            excludeCredentials: listed(excludeCredentials),
        },
    });
    const { clientDataJSON, attestationObject } = made.response;
    return { id: toText(made.rawId), client: toText(clientDataJSON), attestation: toText(attestationObject) };
}

/** What a passkey has signed, for the server. */
async function get(options) {
    const { challenge, allowCredentials, ...rest } = options;
    const used = await navigator.credentials.get({
        publicKey: { ...rest, challenge: fromText(challenge), allowCredentials: listed(allowCredentials) },
    });
    const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
    return {
        id: toText(used.rawId),
        client: toText(clientDataJSON),
        data: toText(authenticatorData),
        signature: toText(signature),
        user: userHandle ? toText(userHandle) : "",
    };
}

for (const field of document.querySelectorAll("[data-passkey]")) {
    const form = field.form;
    const button = form.querySelector("button");
    const said = form.querySelector("[role=alert]");
    const say = (words) => {
        said.textContent = words;
        said.hidden = !words;
    };
    if (!window.PublicKeyCredential || location.origin !== field.dataset.origin) {
        // The second factor's page and the account's say where it works; whoever signs in has the password.
        if (!button.hidden || form.elements.ticket) say(field.dataset.elsewhere);
        button.disabled = true;
        continue;
    }
    button.hidden = false;
    let busy = false;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        // The form is sent by this script: a further press is not the second one of the same.
        event.stopPropagation();
        if (busy) return;
        busy = true;
        say("");
        try {
            const body = new URLSearchParams(new FormData(form));
            const answer = await fetch(field.dataset.begin, { method: "POST", body, redirect: "error" });
            const { options, problem } = await answer.json();
            if (problem) return say(problem);
            field.value = JSON.stringify(await (field.dataset.passkey === "create" ? create(options) : get(options)));
            for (const secret of form.querySelectorAll("[type=password]")) secret.disabled = true;
            form.submit();
        } catch (error) {
            say(error.name === "InvalidStateError" ? field.dataset.known : field.dataset.brokenOff);
        } finally {
            busy = false;
        }
    });
}
