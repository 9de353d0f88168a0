// The member's card in a browser. The key is made here and never leaves; what the card says is kept here too, so that
// it opens with no network. Texts are only ever put in as text.

// What draws codes is loaded once the card is drawn, or when somebody asks for a code before that.
const codes = () => import("./qr.js");

const WORDS = {
    de: {
        hello: "Hallo {0}", of: "von {0}", show: "Code zeigen", close: "Schließen", full: "{0} × voll", take: "Jetzt einlösbar",
        missing: "noch {0}", rewards: "Prämien", vouchers: "Gutscheine", until: "bis {0}", tier: "Status", next: "{0} bis {1}",
        history: "Was war", nothing: "Noch nichts. Der erste Stempel kommt beim nächsten Besuch.", why: "Warum?", earlier: "Früher",
        offline: "Ohne Netz. Stand {0}.", hold: "Halte den Code vor die Kamera.", still: "Fester Code", turning: "Wechselnder Code",
        turns: "Der Code wechselt jede halbe Minute. Ein Foto davon löst keine größere Prämie ein.",
        stillSays: "Der feste Code sammelt immer. Zum Einlösen größerer Prämien wird der wechselnde gebraucht.",
        keep: "Karte sichern", keepSays: "Browser vergessen manchmal. Sicher ist die Karte auf dem Startbildschirm, als Bild oder mit einer E-Mail-Adresse.",
        install: "Auf den Startbildschirm", picture: "Als Bild sichern", ios: "Tippe auf Teilen und dann auf „Zum Home-Bildschirm“. Der nächste Start von dort nimmt die Karte mit.",
        menu: "Im Menü des Browsers: „Zum Startbildschirm hinzufügen“ oder „App installieren“.",
        email: "E-Mail-Adresse", send: "Link schicken", mailed: "Die Mail ist unterwegs. Tippe auf den Link darin.", mailDone: "Eine E-Mail-Adresse ist bestätigt.",
        settings: "Einstellungen", name: "Vorname", language: "Sprache", save: "Speichern", saved: "Gespeichert.",
        friend: "Freunde einladen", friendSays: "Wer über deinen Link kommt, zählt als von dir gebracht.", copied: "Link kopiert.", share: "Link teilen",
        end: "Karte von diesem Handy nehmen", endSays: "Die Stempel bleiben. Zurück kommst du mit der gedruckten Karte, der E-Mail oder an der Theke.", endSure: "Wirklich wegnehmen",
        gone: "Die Karte ist nicht mehr auf diesem Handy.", none: "Hier ist noch keine Karte.",
        noneSays: "Scanne den Code am Plakat im Laden. Hast du schon eine Karte, dann kommst du so zu ihr zurück:",
        wayMail: "Mit deiner bestätigten E-Mail-Adresse:", wayPaper: "Scanne den Code deiner gedruckten Karte und tippe den Code von der Rückseite ein.", wayCounter: "An der Theke: Dort findet man deine Karte und gibt dir eine neue, mit allem darauf.",
        back: "Link schicken", backSaid: "Wenn die Adresse bestätigt war, ist jetzt eine Mail unterwegs.",
        confirm: "E-Mail bestätigen", confirmSays: "Ein Tipp noch, dann führt diese Adresse zu deiner Karte zurück.", confirmed: "Bestätigt. Du kannst diese Seite schließen.",
        fetch: "Karte auf dieses Gerät holen", fetchSays: "Auf dem alten Gerät ist sie danach nicht mehr.", working: "Einen Moment …",
        failed: "Das hat nicht geklappt.", nonet: "Keine Verbindung. Bitte gleich noch einmal.", insecure: "Dieser Browser kann die Karte nicht sicher aufbewahren. Nimm einen anderen, oder eine gedruckte Karte.",
        blocked: "Diese Karte ist gesperrt. Frag an der Theke.", landed: "Ein Stempel ist gelandet. {0} von {1}.", cardLabel: "{0}: {1} von {2} Stempeln", number: "Nummer", code: "Code deiner Karte", open: "Zur Karte",
        have: "Auf diesem Handy ist schon eine Karte.", age: "Bitte bestätige dein Alter.",
        none0: "kein Stempel", whyNone: "Warum kein Stempel?", agree: "Einverstanden mit", agreeSays: "Nichts davon muss sein, und alles lässt sich jederzeit ändern.",
        mail: "Mails mit Angeboten", push: "Angeboten aufs Handy", leaderboard: "meinem Vornamen in der Rangliste", profiling: "Angeboten, die zu meinen Einkäufen passen",
        noted: "Notiert.", undo: "Rückgängig", data: "Deine Daten", dataSays: "Alles, was über dich gespeichert ist, als Datei, die andere Programme lesen können.", export: "Alles herunterladen",
        forget: "Für immer aufhören", forgetSays: "Etwas anderes als die Karte vom Handy zu nehmen: Danach weiß niemand mehr, dass du da warst.", forgetAsk: "Mich vergessen lassen …", forgetTitle: "Mich vergessen lassen?",
        forget1: "Stempel, Punkte, Gutscheine und Prämien verfallen.", forget2: "Dein Name und deine Einwilligungen werden gelöscht, auch in den Geräten der Läden, sobald sie online sind.", forget3: "Was verkauft wurde, bleibt in den Büchern des Ladens, ohne dass daraus hervorgeht, dass du es warst.", forget4: "Das lässt sich nicht rückgängig machen.",
        forgetNow: "Endgültig vergessen", keepCard: "Karte behalten", forgotten: "Du bist vergessen", forgottenSays: "Danke, dass du da warst. Auf diesem Handy und in den Läden steht nichts mehr über dich.", sharePicture: "Als Bild teilen", come: "Hol dir auch eine Stempelkarte",
        e: { "link-unknown": "Dieser Code gilt nicht mehr. Frag an der Theke nach dem neuen.", "of-age": "Bitte bestätige dein Alter. Wer jünger ist, bekommt an der Theke eine gedruckte Karte.", "too-often": "Das war sehr oft hintereinander. Bitte warte ein paar Minuten.", "too-many": "Gerade ist viel los. Bitte gleich noch einmal.", name: "Dieser Name geht nicht. Höchstens 80 Buchstaben, in einer Zeile.", "second-code": "Das ist nicht der Code dieser Karte. Er steht auf der Rückseite: zehn Zeichen.", code: "Dieser Code gilt nicht mehr. Er wurde schon benutzt oder ist zu alt.", "card-blocked": "Diese Karte ist gesperrt. Frag an der Theke nach der neuen.", email: "Das ist keine E-Mail-Adresse.", "no-mail": "Dieser Laden verschickt keine Mails. Nimm die gedruckte Karte, oder frag an der Theke.", terms: "Die Datenschutz-Info wurde geändert. Bitte lade die Seite neu.", mail: "Die Mail konnte nicht verschickt werden. Bitte später noch einmal." },
    },
    en: {
        hello: "Hello {0}", of: "of {0}", show: "Show code", close: "Close", full: "{0} × full", take: "Ready to take",
        missing: "{0} to go", rewards: "Rewards", vouchers: "Vouchers", until: "until {0}", tier: "Status", next: "{0} to {1}",
        history: "What happened", nothing: "Nothing yet. The first stamp comes with the next visit.", why: "Why?", earlier: "Earlier",
        offline: "No network. As of {0}.", hold: "Hold the code in front of the camera.", still: "Still code", turning: "Changing code",
        turns: "The code changes every half-minute. A photograph of it takes no larger reward.",
        stillSays: "The still code always collects. To take larger rewards the changing one is needed.",
        keep: "Keep the card safe", keepSays: "Browsers forget at times. The card is safe on the home screen, as a picture, or with an e-mail address.",
        install: "To the home screen", picture: "Save as a picture", ios: "Tap Share, then “Add to Home Screen”. The next start from there takes the card along.",
        menu: "In the browser's menu: “Add to home screen” or “Install app”.",
        email: "E-mail address", send: "Send a link", mailed: "The mail is on its way. Tap the link in it.", mailDone: "An e-mail address is confirmed.",
        settings: "Settings", name: "First name", language: "Language", save: "Save", saved: "Saved.",
        friend: "Invite friends", friendSays: "Whoever comes by your link counts as brought by you.", copied: "Link copied.", share: "Share the link",
        end: "Take the card off this phone", endSays: "The stamps stay. You come back with the printed card, the e-mail, or at the counter.", endSure: "Really take it off",
        gone: "The card is no longer on this phone.", none: "There is no card here yet.",
        noneSays: "Scan the code on the poster in the shop. If you have a card already, this is how you come back to it:",
        wayMail: "With your confirmed e-mail address:", wayPaper: "Scan the code of your printed card and type the code from its back.", wayCounter: "At the counter: they find your card and give you a new one, with everything on it.",
        back: "Send a link", backSaid: "If that address was confirmed, a mail is on its way now.",
        confirm: "Confirm the address", confirmSays: "One more tap, and this address leads back to your card.", confirmed: "Confirmed. You can close this page.",
        fetch: "Bring the card to this device", fetchSays: "The old device holds it no more afterwards.", working: "One moment …",
        failed: "That did not work.", nonet: "No connection. Please try again in a moment.", insecure: "This browser cannot keep the card safely. Take another one, or a printed card.",
        blocked: "This card is blocked. Please ask at the counter.", landed: "A stamp has landed. {0} of {1}.", cardLabel: "{0}: {1} of {2} stamps", number: "Number", code: "The code of your card", open: "To the card",
        have: "There is a card on this phone already.", age: "Please confirm your age.",
        none0: "no stamp", whyNone: "Why no stamp?", agree: "I agree to", agreeSays: "None of this is needed, and all of it can be changed at any time.",
        mail: "mails with offers", push: "offers on the phone", leaderboard: "my first name on the leaderboard", profiling: "offers that fit what I buy",
        noted: "Noted.", undo: "Undo", data: "Your data", dataSays: "Everything that is kept about you, as a file that other programs can read.", export: "Download everything",
        forget: "Leave for good", forgetSays: "Something else than taking the card off the phone: afterwards nobody knows that you were here.", forgetAsk: "Have me forgotten …", forgetTitle: "Have me forgotten?",
        forget1: "Stamps, points, vouchers and rewards are lost.", forget2: "Your name and what you agreed to are deleted, in the shop's devices too as soon as each is online.", forget3: "What was sold stays in the shop's books, with nothing in it that says it was you.", forget4: "Nothing can bring it back.",
        forgetNow: "Forget me for good", keepCard: "Keep my card", forgotten: "You are forgotten", forgottenSays: "Thank you for having been here. Nothing on this phone or in the shops speaks of you any more.", sharePicture: "Share as a picture", come: "Get a stamp card too",
        e: {},
    },
};

// ---- language -------------------------------------------------------------------------------------------------

let language = localStorage.getItem("language") ?? (navigator.language?.startsWith("de") ? "de" : "en");
const say = (name, ...values) => WORDS[language][name].replace(/\{(\d)\}/g, (_, place) => values[place]);

function speak(tag) {
    if (tag !== "de" && tag !== "en") return;
    language = tag;
    localStorage.setItem("language", tag);
    document.documentElement.lang = tag;
}

// ---- drawing --------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function h(name, settings = {}, ...children) {
    const [tag, ...classes] = name.split(".");
    const element = document.createElement(tag || "div");
    if (classes.length) element.className = classes.join(" ");
    for (const [key, value] of Object.entries(settings)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (value === true) element.setAttribute(key, "");
        else if (value !== false && value != null) element.setAttribute(key, value);
    }
    element.append(...children.flat().filter((child) => child != null && child !== false));
    return element;
}

async function drawn(text, quiet, label) {
    const { modules, path } = await codes();
    const rows = modules(text);
    const svg = document.createElementNS(SVG, "svg");
    const side = rows.length + 2 * quiet;
    svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
    svg.setAttribute("shape-rendering", "crispEdges");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    const dark = document.createElementNS(SVG, "path");
    dark.setAttribute("d", path(rows, quiet));
    svg.append(dark);
    return svg;
}

// ---- bytes ----------------------------------------------------------------------------------------------------

const utf8 = (text) => new TextEncoder().encode(text);
const joined = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));
const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const unbase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

function base32(bytes) {
    const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let [text, held, bits] = ["", 0, 0];
    for (const byte of bytes) {
        held = (held << 8) | byte;
        for (bits += 8; bits >= 5; held &= (1 << bits) - 1) { bits -= 5; text += signs[held >> bits]; }
    }
    return bits ? text + signs[(held << (5 - bits)) & 31] : text;
}

// ---- what this browser keeps ----------------------------------------------------------------------------------

function base() {
    return new Promise((done, fail) => {
        const opening = indexedDB.open("stempel", 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
        opening.onsuccess = () => done(opening.result);
        opening.onerror = () => fail(opening.error);
    });
}

async function inStore(mode, work) {
    const opened = await base();
    try {
        return await new Promise((done, fail) => {
            const write = opened.transaction("kept", mode);
            const asked = work(write.objectStore("kept"));
            write.oncomplete = () => done(asked.result);
            write.onabort = () => fail(write.error);
        });
    } finally {
        opened.close();
    }
}

const kept = (name) => inStore("readonly", (store) => store.get(name));
const keep = (name, value) => inStore("readwrite", (store) => store.put(value, name));
const forget = (name) => inStore("readwrite", (store) => store.delete(name));

// What the card said last stands where it is read at once: opening the database takes a slow phone a third of a second.
function lastView() {
    try { return JSON.parse(localStorage.getItem("view")); } catch { return null; }
}

function keepView(news) {
    try { localStorage.setItem("view", JSON.stringify({ ...news, lang: language })); } catch { forgetView(); }
}

const forgetView = () => localStorage.removeItem("view");

async function forgetCard() {
    forgetView();
    for (const name of ["who", "key"]) await forget(name);
}

// The browser's own key: it signs, and cannot be read by anybody, this page included.
async function ownKey() {
    const known = await kept("key");
    if (known) return known;
    const key = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    await keep("key", key);
    return key;
}

const publicKey = async () => base64(await crypto.subtle.exportKey("raw", (await ownKey()).publicKey));

async function sign(context, ...parts) {
    const { privateKey } = await ownKey();
    const message = joined(utf8(context), [0], ...parts);
    return new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, message));
}

// ---- asking the server ----------------------------------------------------------------------------------------

// How far this clock is behind the server's.
let behind = Number(localStorage.getItem("behind") ?? 0);
const now = () => Date.now() + behind;

class Refused extends Error {
    constructor(status, problem) {
        super(problem.title ?? "");
        this.status = status;
        this.code = problem.code ?? "";
        this.detail = problem.detail ?? "";
    }
}

function words(error) {
    if (!(error instanceof Refused)) return error?.name === "TypeError" || error?.name === "AbortError" ? say("nonet") : say("failed");
    return WORDS[language].e[error.code] ?? (language === "en" ? `${error.message}. ${error.detail}` : say("failed"));
}

async function answered(response, began) {
    const time = Number(response.headers.get("stempel-server-time"));
    // An answer that was waited for says nothing of when the question arrived.
    if (time && Date.now() - began < 2000) {
        behind = Math.round(time - (began + Date.now()) / 2);
        localStorage.setItem("behind", behind);
    }
    if (response.ok && response.headers.get("content-disposition")) return response.blob();
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(response.status, body);
    return body;
}

async function ask(address, body, method = body ? "POST" : "GET") {
    const began = Date.now();
    const headers = body ? { "content-type": "application/json" } : {};
    const response = await fetch(address, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    return answered(response, began);
}

async function askSigned(who, method, address, body, signal) {
    const text = body ? JSON.stringify(body) : "";
    for (let attempt = 1; ; attempt++) {
        const at = Math.round(now());
        const signature = await sign("stempel phone request v1", utf8(`${method}\n${address}\n${at}\n${text}`));
        const headers = { authorization: `Phone ${who.tenant}.${who.phone}.${at}.${base64(signature)}` };
        if (body) headers["content-type"] = "application/json";
        const began = Date.now();
        try {
            return await answered(await fetch(address, { method, headers, body: text || undefined, cache: "no-store", signal }), began);
        } catch (error) {
            // A wrong clock was set right by the answer.
            if (attempt > 1 || error.code !== "clock") throw error;
        }
    }
}

// A little work that a machine would have to do for each mail.
async function solved(query) {
    const { puzzle, bits } = await ask(`/card/v1/puzzle?${new URLSearchParams(query)}`);
    for (let nonce = 0; nonce < 2 ** 24; nonce++) {
        const text = `${puzzle}:${nonce}`;
        const head = new DataView(await crypto.subtle.digest("SHA-256", utf8(text))).getUint32(0);
        if (Math.clz32(head) >= bits) return text;
    }
    throw new Error("no answer");
}

async function withWork(query, send) {
    try {
        return await send(undefined);
    } catch (error) {
        if (error.code !== "puzzle") throw error;
        return send(await solved(query));
    }
}

// A form that says what becomes of it. Nothing that was typed is lost.
function onSubmit(form, work) {
    const said = form.querySelector(".said") ?? form.appendChild(h("p.said", { role: "status" }));
    form.addEventListener("submit", async (event) => {
        // What works without a script is left to the form itself.
        if (event.submitter?.hasAttribute("data-plain")) return;
        event.preventDefault();
        const buttons = [...form.querySelectorAll("button")];
        if (form.dataset.busy) return;
        form.dataset.busy = "yes";
        buttons.forEach((button) => { button.disabled = true; });
        said.textContent = say("working");
        said.classList.remove("bad");
        try {
            said.textContent = (await work(new FormData(form))) ?? "";
        } catch (error) {
            said.textContent = error.said ?? words(error);
            said.classList.add("bad");
        } finally {
            delete form.dataset.busy;
            buttons.forEach((button) => { button.disabled = false; });
        }
    });
}

const safe = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

async function begin(who) {
    await keep("who", who);
    forgetView();
    // Asked for once: what a browser keeps for long it does not throw away first.
    navigator.storage?.persist?.().catch(() => {});
    location.assign("/card");
}

// ---- the poster's page ----------------------------------------------------------------------------------------

async function joinPage() {
    const main = document.querySelector("main");
    const form = document.getElementById("join");
    const { link, terms, friend, tenant } = main.dataset;
    if (!safe()) { form.replaceChildren(h("p.note", {}, say("insecure"))); return; }
    const who = await kept("who");
    if (who?.tenant === tenant) {
        form.before(h("p.note", {}, say("have"), " ", h("a", { href: "/card" }, say("open"))));
    }
    onSubmit(form, async (data) => {
        if (!form.elements.age.checked) {
            form.elements.age.focus();
            throw Object.assign(new Error(), { said: say("age") });
        }
        const asked = {
            link, terms, of_age: true, language, key: await publicKey(),
            name: data.get("name").trim() || undefined, friend: friend || undefined,
        };
        await begin(await withWork({ link }, (proof) => ask("/card/v1/join", { ...asked, proof })));
    });
}

// ---- the page of a card's link --------------------------------------------------------------------------------

async function barePage() {
    const { token } = document.querySelector("main").dataset;
    const form = document.getElementById("second");
    if (!safe()) { form.replaceChildren(h("p.note", {}, say("insecure"))); return; }
    onSubmit(form, async (data) => {
        await begin(await ask("/card/v1/attach", { key: await publicKey(), token, second: data.get("code") }));
    });
}

// ---- the card -------------------------------------------------------------------------------------------------

const root = () => document.getElementById("app");
let [who, view, since, online, stopped] = [null, null, null, true, false];

const stampsOf = (shown) => (shown?.cards ?? []).reduce((sum, card) => sum + card.full * card.size + card.filled, 0);

function stampCard(card, fresh) {
    const filled = card.filled === 0 && card.full > 0 && fresh > 0 ? card.size : card.filled;
    const columns = card.size <= 5 ? card.size : Math.ceil(card.size / (card.size <= 12 ? 2 : 3));
    const slots = [];
    for (let place = 0; place < card.size; place++) {
        const free = place === card.size - 1;
        const inked = place < filled;
        const slot = h(`i.slot${free ? ".free" : ""}${inked ? `.inked.s${place % 3}` : ""}`, {}, inked || free ? "" : String(place + 1));
        const late = place - (filled - fresh);
        if (inked && late >= 0) {
            slot.classList.add("fresh");
            slot.style.setProperty("--late", `${late * 110}ms`);
        }
        slots.push(slot);
    }
    const box = h("div.slots", { "aria-hidden": "true" }, slots);
    box.style.setProperty("--columns", columns);
    return h(`section.stampcard${fresh ? ".gives" : ""}`, { role: "img", "aria-label": say("cardLabel", card.name, filled, card.size) },
        h("div.head", { "aria-hidden": "true" }, h("span.title", {}, card.name), h("span.count", {}, h("b", {}, String(filled)), ` ${say("of", card.size)}`)),
        box,
        card.full > 0 ? h("p.ready", { "aria-hidden": "true" }, say("full", card.full)) : null);
}

function progress(have, of) {
    return h("progress", { max: Math.max(1, of), value: Math.min(have, of), "aria-hidden": "true" });
}

function rewardLine(reward) {
    const ready = reward.times > 0;
    return h(`li.line${ready ? ".ready" : ""}`, {},
        h("span", {}, reward.name),
        h("span.right", {}, ready ? h("b", {}, `✓ ${say("take")}`) : say("missing", reward.missing)),
        ready ? null : progress(reward.have, reward.of));
}

function section(title, ...content) {
    const filled = content.flat().filter(Boolean);
    return filled.length ? h("section.part", {}, h("h2", {}, title), filled) : null;
}

function tierPart(tier) {
    return h("div", {},
        h("p.line", {}, h("b", {}, tier.tier ?? "–"), tier.until ? h("span.right.faded", {}, say("until", tier.until)) : null),
        tier.next ? [progress(tier.have, tier.of), h("p.faded", {}, say("next", tier.missing, tier.next))] : null);
}

const clocks = {};
function when(text) {
    clocks[language] ??= new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    return clocks[language].format(new Date(text));
}

function historyPart(lines) {
    if (!lines.length) return h("p.faded", {}, say("nothing"));
    const told = (some) => h("ul.plain.history", {}, some.map((line) => h("li", {},
        h("p.line", {}, h("span", {}, line.title), h(`span.right${line.nothing ? ".faded" : ""}`, {}, line.nothing ? say("none0") : line.moved.join(", "))),
        h("p.small.faded", {}, [when(line.at), line.shop].filter(Boolean).join(" · ")),
        line.why.length ? h("details", {}, h("summary", {}, say(line.nothing ? "whyNone" : "why")), h("ul.plain.small", {}, line.why.map((why) => h("li", {}, why)))) : null)));
    const [first, rest] = [lines.slice(0, 5), lines.slice(5)];
    return [told(first), rest.length ? h("details.earlier", {}, h("summary", {}, say("earlier")), told(rest)) : null];
}

let installing = null;
addEventListener("beforeinstallprompt", (event) => { event.preventDefault(); installing = event; });
const installed = () => matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

function keepPart() {
    const said = h("p.said", { role: "status" });
    const install = h("button", { type: "button", onclick: async () => {
        if (installing) { installing.prompt(); installing = null; return; }
        said.textContent = say("working");
        try {
            // On some systems the installed app has a storage of its own: a code hands the card over, once.
            const { code } = await askSigned(who, "POST", "/card/v1/hand-over");
            document.querySelector("link[rel=manifest]").href = `/card/manifest.webmanifest?h=${code}`;
            history.replaceState(null, "", `/card#h=${code}`);
            said.textContent = say("standalone" in navigator ? "ios" : "menu");
        } catch (error) { said.textContent = words(error); }
    } }, say("install"));
    const picture = h("button", { type: "button", onclick: savePicture }, say("picture"));
    const form = h("form.inline", { novalidate: true },
        h("label", { for: "email" }, say("email")),
        h("input", { id: "email", name: "email", type: "email", autocomplete: "email", required: true }),
        h("button", { type: "submit" }, say("send")));
    onSubmit(form, async (data) => {
        const asked = { email: data.get("email"), language };
        await withWork({ tenant: who.tenant }, (proof) => askSigned(who, "POST", "/card/v1/mail", { ...asked, proof }));
        return say("mailed");
    });
    return section(say("keep"), h("p.faded", {}, say("keepSays")),
        h("div.row", {}, installed() ? null : install, picture), said, view.mail ? h("p", {}, `✓ ${say("mailDone")}`) : form);
}

/** A code on white with a line below it, and one above it where there is one. */
async function pictured(text, below, above = "") {
    const { modules } = await codes();
    const rows = modules(text);
    const quiet = 6;
    const scale = Math.max(8, Math.floor(720 / (rows.length + 2 * quiet)));
    const side = (rows.length + 2 * quiet) * scale;
    const top = above ? 90 : 0;
    const canvas = h("canvas", { width: side, height: top + side + 60 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = "#000";
    rows.forEach((row, y) => row.forEach((dark, x) => { if (dark) pen.fillRect((x + quiet) * scale, top + (y + quiet) * scale, scale, scale); }));
    pen.font = "600 34px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(below, side / 2, top + side + 20, side - 40);
    pen.font = "700 44px system-ui, sans-serif";
    pen.fillStyle = "#c23b22";
    pen.fillText(above, side / 2, 80, side - 40);
    return new Promise((done) => { canvas.toBlob(done, "image/png"); });
}

function saveAs(blob, name) {
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const savePicture = async () => saveAs(await pictured(view.token, `${view.shop} · ${view.number}`), "stempelkarte.png");

function friendPart() {
    if (!view.refer) return null;
    const said = h("p.said", { role: "status" });
    const address = `${location.origin}/J/${view.refer}?f=${view.number.replace("-", "")}`;
    const sharing = (work) => async () => {
        try { await work(); } catch (error) { if (error.name !== "AbortError") said.textContent = address; }
    };
    const link = h("button", { type: "button", onclick: sharing(async () => {
        if (navigator.share) await navigator.share({ title: view.shop, url: address });
        else { await navigator.clipboard.writeText(address); said.textContent = say("copied"); }
    }) }, say("share"));
    const picture = h("button", { type: "button", onclick: sharing(async () => {
        // In capitals and without a query: so it fits into a smaller code.
        const short = `${location.origin.toUpperCase()}/J/${view.refer}/${view.number.replace("-", "")}`;
        const blob = await pictured(short, say("come"), view.shop);
        const files = [new File([blob], "stempelkarte-einladung.png", { type: blob.type })];
        if (navigator.canShare?.({ files })) await navigator.share({ files });
        else saveAs(blob, files[0].name);
    }) }, say("sharePicture"));
    return section(say("friend"), h("p.faded", {}, say("friendSays")), h("div.row", {}, link, picture), said);
}

function settingsPart() {
    const form = h("form", { novalidate: true },
        h("label", { for: "first" }, say("name")),
        h("input", { id: "first", name: "name", autocomplete: "given-name", maxlength: 80, value: view.name ?? "" }),
        h("label", { for: "tongue" }, say("language")),
        h("select", { id: "tongue", name: "language" },
            [["de", "Deutsch"], ["en", "English"]].map(([tag, name]) => h("option", { value: tag, selected: tag === language, lang: tag }, name))),
        h("button", { type: "submit" }, say("save")));
    onSubmit(form, async (data) => {
        const wanted = data.get("language");
        await askSigned(who, "POST", "/card/v1/profile", { name: data.get("name"), language: wanted });
        speak(wanted);
        await refresh();
        // The page was drawn anew.
        document.querySelector(".settings form .said").textContent = say("saved");
        return "";
    });
    const end = h("button.quiet", { type: "button", onclick: async () => {
        if (end.dataset.sure !== "yes") { end.dataset.sure = "yes"; end.textContent = say("endSure"); return; }
        try { await askSigned(who, "POST", "/card/v1/end"); } catch (error) { if (!(error instanceof Refused)) { end.textContent = words(error); return; } }
        await leave();
    } }, say("end"));
    return h("details.part.settings", { "data-name": "settings" }, h("summary", {}, h("h2", {}, say("settings"))), form, agreePart(), dataPart(),
        h("h3", {}, say("end")), h("p.small.faded", {}, say("endSays")), end, h("h3", {}, say("forget")), h("p.small.faded", {}, say("forgetSays")),
        h("button.quiet", { id: "forget", type: "button", onclick: askForget }, say("forgetAsk")));
}

// The last thing that was agreed to or taken back: it can be undone also when news have drawn the page anew.
let noted = null;

// What the member agrees to: each press counts at once, and can be taken back.
function agreePart() {
    const said = h("p.said", { role: "status" });
    const boxes = new Map();
    const note = () => {
        if (!noted) return;
        const { kind, given, undone } = noted;
        said.replaceChildren(say("noted"), " ", undone ? "" : h("button.quiet", { type: "button", onclick: () => { put(kind, !given, true); boxes.get(kind)?.focus(); } }, say("undo")));
    };
    const put = async (kind, given, undone) => {
        const box = boxes.get(kind);
        box.disabled = true;
        said.classList.remove("bad");
        said.replaceChildren(say("working"));
        try {
            view.consents = (await askSigned(who, "POST", "/card/v1/consent", { consent: kind, given })).consents;
            noted = { kind, given, undone };
            note();
        } catch (error) {
            said.replaceChildren(words(error));
            said.classList.add("bad");
        } finally {
            box.disabled = false;
            box.checked = Boolean(view.consents.find(([known]) => known === kind)?.[1]);
        }
    };
    const lines = (view.consents ?? []).map(([kind, given]) => {
        const box = h("input", { id: `agree-${kind}`, type: "checkbox", checked: given, onchange: (event) => put(kind, event.target.checked) });
        boxes.set(kind, box);
        return h("label.check", { for: `agree-${kind}` }, box, h("span", {}, say(kind)));
    });
    note();
    return h("fieldset", {}, h("legend", {}, say("agree")), h("p.small.faded", {}, say("agreeSays")), lines, said);
}

function dataPart() {
    const form = h("form", { novalidate: true }, h("h3", {}, say("data")), h("p.small.faded", {}, say("dataSays")), h("button", { id: "export", type: "submit" }, say("export")));
    onSubmit(form, async () => {
        saveAs(await askSigned(who, "GET", "/card/v1/export"), "stempelkarte.json");
        return "";
    });
    return form;
}

function askForget() {
    const form = h("form", { novalidate: true }, h("h2", { id: "forget-title" }, say("forgetTitle")),
        h("ul.ways", {}, ["forget1", "forget2", "forget3", "forget4"].map((text) => h("li", {}, say(text)))),
        h("button.primary", { type: "button", onclick: () => dialog.close() }, say("keepCard")),
        h("button.quiet", { id: "forget-now", type: "submit" }, say("forgetNow")));
    const dialog = h("dialog.ask", { "aria-labelledby": "forget-title", onclose: () => dialog.remove() }, form);
    onSubmit(form, async () => {
        await askSigned(who, "POST", "/card/v1/leave", { for_good: true });
        stopped = true;
        await forgetCard();
        localStorage.removeItem("tenant");
        dialog.close();
        root().classList.add("narrow");
        root().replaceChildren(h("h1", { tabindex: -1 }, say("forgotten")), h("p", {}, say("forgottenSays")));
        root().firstChild.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
}

async function leave() {
    await forgetCard();
    location.assign("/card#gone");
    location.reload();
}

function render(fresh = 0) {
    const app = root();
    // By a name of its own where the words may change, as with the language.
    const named = (details) => details.dataset.name ?? details.firstElementChild.textContent;
    const open = new Set([...app.querySelectorAll("details[open]")].map(named));
    const typed = new Map([...app.querySelectorAll("input, select")].map((field) => [field.id, field.value]));
    const active = document.activeElement?.id;
    app.removeAttribute("aria-busy");
    app.replaceChildren(...[
        h("header", {}, h("p.eyebrow", {}, view.shop), view.name ? h("h1", {}, say("hello", view.name)) : h("h1.hidden", {}, view.shop)),
        h("p.state", { role: "status", hidden: online }, online ? "" : say("offline", when(view.server_ms))),
        view.blocked ? h("p.note.bad", {}, say("blocked")) : null,
        view.cards.map((card, place) => stampCard(card, place === 0 ? fresh : 0)),
        view.amounts.length ? h("p.amounts", {}, view.amounts.map((amount) => h("span.chip", {}, amount.text))) : null,
        h("div.bar", {}, h("button.primary", { id: "show", type: "button", onclick: showCode }, say("show"))),
        section(say("vouchers"), view.vouchers.map((voucher) => h("p.line.ready", {}, h("span", {}, `🎁 ${voucher.name}${voucher.amount === "1" ? "" : ` × ${voucher.amount}`}`), voucher.last ? h("span.right.faded", {}, say("until", voucher.last)) : null))),
        section(say("rewards"), view.rewards.length ? h("ul.plain", {}, view.rewards.map(rewardLine)) : null, view.ending.map((text) => h("p.warn", {}, text))),
        section(say("tier"), view.tiers.map(tierPart)),
        section(say("history"), historyPart(view.history)),
        keepPart(), friendPart(), settingsPart(),
    ].flat().filter(Boolean));
    for (const details of app.querySelectorAll("details")) if (open.has(named(details))) details.open = true;
    // What is half typed stays when news come.
    for (const [id, value] of typed) { const field = id && document.getElementById(id); if (field && id !== "tongue") field.value = value; }
    if (active) document.getElementById(active)?.focus({ preventScroll: true });
    afterwards();
}

// ---- the code -------------------------------------------------------------------------------------------------

const TURN_MS = 30_000;

async function rotatingCode() {
    const turn = Math.floor(now() / TURN_MS);
    const said = joined(unbase64(view.certificate), [turn >>> 24, (turn >>> 16) & 255, (turn >>> 8) & 255, turn & 255]);
    return `S2${base32(joined(said, await sign("stempel rotating card v1", said)))}`;
}

function showCode() {
    let [turning, timer, lock] = [view.rotate, 0, null];
    const place = h("div.code");
    const hint = h("p.hint");
    const bar = h("div.turn", { "aria-hidden": "true" }, h("i"));
    const other = h("button.quiet", { type: "button", onclick: () => { turning = !turning; draw(); } });
    const dialog = h("dialog.white", { "aria-label": say("code"), onclose: () => {
        clearTimeout(timer);
        lock?.release().catch(() => {});
        removeEventListener("visibilitychange", awake);
        dialog.remove();
    } },
    place, bar, h("p.number", {}, view.number), hint,
    h("div.row", {}, view.rotate ? other : null, h("button.primary", { type: "button", onclick: () => dialog.close() }, say("close"))));
    async function draw() {
        clearTimeout(timer);
        const text = turning ? await rotatingCode() : view.token;
        // The page around it is white as well: together they are the quiet zone.
        place.replaceChildren(await drawn(text, 2, say("code")));
        place.dataset.kind = turning ? "turning" : "still";
        hint.textContent = view.rotate ? say(turning ? "turns" : "stillSays") : say("hold");
        other.textContent = say(turning ? "still" : "turning");
        bar.hidden = !turning;
        if (turning) {
            const left = TURN_MS - (now() % TURN_MS);
            bar.firstChild.getAnimations?.().forEach((animation) => animation.cancel());
            bar.firstChild.animate?.([{ transform: `scaleX(${left / TURN_MS})` }, { transform: "scaleX(0)" }], { duration: left });
            timer = setTimeout(draw, left + 20);
        }
    }
    // The screen stays on while the code is shown.
    async function awake() {
        if (document.visibilityState !== "visible") return;
        lock = await navigator.wakeLock?.request("screen").catch(() => null);
        draw();
    }
    document.body.append(dialog);
    dialog.showModal();
    addEventListener("visibilitychange", awake);
    awake();
}

// ---- staying up to date ---------------------------------------------------------------------------------------

async function take(news) {
    const more = view ? stampsOf(news) - stampsOf(view) : 0;
    view = news;
    since = news.position;
    online = true;
    if (!localStorage.getItem("language") && news.language) speak(news.language);
    keepView(news);
    const fresh = more > 0 && more <= 20 ? more : 0;
    if (fresh) document.querySelector("dialog[open]")?.close();
    render(fresh);
    if (fresh) {
        navigator.vibrate?.(30);
        const card = view.cards[0];
        document.getElementById("news").textContent = say("landed", card.filled || card.size, card.size);
        if (!matchMedia("(prefers-reduced-motion: reduce)").matches) scrollTo({ top: 0, behavior: "smooth" });
    }
}

const refresh = async () => take(await askSigned(who, "GET", `/card/v1/card?lang=${language}`));

async function follow() {
    for (let failures = 0; !stopped;) {
        if (document.visibilityState !== "visible") {
            await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
        }
        try {
            const waiting = since == null ? "" : `&after=${since}&wait_ms=20000`;
            const stop = new AbortController();
            const timer = setTimeout(() => stop.abort(), 40_000);
            const news = await askSigned(who, "GET", `/card/v1/card?lang=${language}${waiting}`, undefined, stop.signal).finally(() => clearTimeout(timer));
            failures = 0;
            if (stopped) return;
            if (news.position !== since || !online) await take(news);
            else { view.certificate = news.certificate; keepView(news); }
        } catch (error) {
            if (stopped) return;
            if (error.code === "phone-ended") { await forget("who"); forgetView(); emptyPage(say("gone")); return; }
            failures++;
            if (online) { online = false; if (view) render(); }
            const pause = Math.min(60_000, 1000 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2);
            await new Promise((done) => {
                const timer = setTimeout(done, pause);
                addEventListener("online", () => { clearTimeout(timer); done(); }, { once: true });
            });
        }
    }
}

// ---- no card here, and codes from mails -----------------------------------------------------------------------

function emptyPage(title) {
    const tenant = fragment().get("t") ?? localStorage.getItem("tenant");
    const form = h("form.inline", { novalidate: true },
        h("label", { for: "email" }, say("email")),
        h("input", { id: "email", name: "email", type: "email", autocomplete: "email", required: true }),
        h("button", { type: "submit" }, say("back")));
    onSubmit(form, async (data) => {
        const asked = { email: data.get("email"), language, tenant };
        await withWork({ tenant }, (proof) => ask("/card/v1/return", { ...asked, proof }));
        return say("backSaid");
    });
    root().removeAttribute("aria-busy");
    root().classList.add("narrow");
    root().replaceChildren(h("h1", {}, title), h("p", {}, say("noneSays")), h("ul.ways", {},
        tenant ? h("li", {}, say("wayMail"), form) : null, h("li", {}, say("wayPaper")), h("li", {}, say("wayCounter"))));
    afterwards();
}

function onePage(title, text, button, work) {
    const form = h("form", { novalidate: true }, h("button.primary", { type: "submit" }, button));
    root().removeAttribute("aria-busy");
    root().classList.add("narrow");
    root().replaceChildren(h("h1", {}, title), h("p", {}, text), form);
    onSubmit(form, work);
}

const fragment = () => new URLSearchParams(location.hash.slice(1));

// Draws what the card said last, before anything is asked of the database or the network.
function drawLast() {
    view = lastView();
    if (!view) return;
    since = view.lang === language ? view.position : null;
    online = navigator.onLine !== false;
    render();
}

function keepForOffline() {
    navigator.serviceWorker?.register("/card/sw.js", { scope: "/card" }).catch(() => {});
}

let painted = false;

// What the first picture does not need comes after it.
function afterwards() {
    if (painted) return;
    painted = true;
    requestAnimationFrame(() => setTimeout(() => {
        keepForOffline();
        // What the network broke off is begun again when it is back.
        addEventListener("online", keepForOffline);
        codes().catch(() => {});
    }));
}

async function cardPage() {
    document.body.append(h("p.hidden", { id: "news", role: "status", "aria-live": "polite" }));
    if (!safe()) { root().replaceChildren(h("p.note", {}, say("insecure"))); return; }
    const brought = fragment();
    if (brought.get("m")) {
        onePage(say("confirm"), say("confirmSays"), say("confirm"), async () => {
            await ask("/card/v1/mail/confirm", { code: brought.get("m") });
            history.replaceState(null, "", "/card");
            return say("confirmed");
        });
        return;
    }
    const attach = async (code) => begin(await ask("/card/v1/attach", { key: await publicKey(), code }));
    if (brought.get("r")) {
        onePage(say("fetch"), say("fetchSays"), say("fetch"), () => attach(brought.get("r")));
        return;
    }
    drawLast();
    who = await kept("who");
    if (brought.get("h") && !who) {
        try {
            await attach(brought.get("h"));
            who = await kept("who");
        } catch { /* used or too old: the ways back are shown */ }
    }
    if (!who) { forgetView(); emptyPage(say(brought.has("gone") ? "gone" : "none")); return; }
    localStorage.setItem("tenant", who.tenant);
    await follow();
}

document.documentElement.lang = language;
const pages = { join: joinPage, bare: barePage, card: cardPage };
pages[document.body.dataset.page]?.();
