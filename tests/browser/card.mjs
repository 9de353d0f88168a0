// The member's card, from a poster to a stamp: run by tests/it/card.rs against a real server and a real terminal.
//
// Beside what kit.mjs reads it finds in its environment: STEMPEL_LINK (a poster's code), STEMPEL_TOKEN and
// STEMPEL_SECOND (a printed card), STEMPEL_PROGRAM and STEMPEL_TILL (the program and a terminal's folder),
// STEMPEL_DATABASE (the server's, for `stempel admin`).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DESK, PHONE, assert, check, shot, step, url, window, withBrowser } from "./kit.mjs";

const { STEMPEL_LINK: link, STEMPEL_TOKEN: token, STEMPEL_SECOND: second } = process.env;
const { STEMPEL_PROGRAM: program, STEMPEL_TILL: till, STEMPEL_DATABASE: database } = process.env;

const folder = mkdtempSync(join(tmpdir(), "stempel-card-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Runs the program and gives the one answer of its command. */
function run(...words) {
    const out = execFileSync(program, ["--json", ...words], { encoding: "utf8", timeout: 60_000 });
    return out.trim().split("\n").map((line) => JSON.parse(line)).at(-1);
}
const atTill = (...words) => run("--data", till, ...words);
const admin = (...words) => run("admin", "--database", database, ...words);

/** What a camera would read from the page's own pixels. */
async function readPixels(page, name) {
    const file = join(folder, `${name}.png`);
    await page.screenshot({ path: file });
    const { codes } = atTill("scan", file);
    assert.equal(codes.length, 1, `${name}: ${JSON.stringify(codes)}`);
    return codes[0].text;
}

const filled = async (page) => (await page.locator(".stampcard .count b").first().textContent()).trim();

/** Joins by the poster, as a guest does. */
async function joined(page, name) {
    await page.goto(`/J/${link}`);
    if (name) await page.fill("#name", name);
    await page.check("#age");
    await page.click("button.primary");
    await page.waitForSelector("#app:not([aria-busy])");
    await page.waitForSelector("#show");
}

async function showCode(page) {
    await page.click("#show");
    await page.waitForSelector("dialog[open] .code svg");
}

/** Bytes over the line until the card is drawn, and the first paint, on a slow phone with nothing in its cache. */
async function measured(page, path) {
    const line = await page.context().newCDPSession(page);
    await line.send("Network.enable");
    await line.send("Network.setCacheDisabled", { cacheDisabled: true });
    // What browsers call fast 3G, and a processor four times slower.
    await line.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 });
    await line.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    // The card as a card, with its stamps: what the page draws once it has read what it keeps.
    await page.addInitScript(() => {
        const watch = new MutationObserver(() => {
            if (!document.querySelector(".stampcard:not(.blank)")) return;
            watch.disconnect();
            requestAnimationFrame(() => { globalThis.drawnAfter = performance.now(); });
        });
        watch.observe(document, { subtree: true, childList: true });
    });
    let bytes = 0;
    line.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
    await page.goto(path, { waitUntil: "load" });
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0, null, { polling: 50 });
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
    const isCard = path === "/card";
    if (isCard) await page.waitForFunction(() => globalThis.drawnAfter, null, { polling: 50 });
    const drawn = await page.evaluate(() => globalThis.drawnAfter);
    await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await line.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await line.detach();
    console.log(`measured ${path.replace(/\/J\/.*/, "/J/…")}: ${bytes} bytes, first paint after ${Math.round(paint)} ms${isCard ? `, with the card in it after ${Math.round(drawn)} ms` : ""}`);
    return bytes;
}

await withBrowser(async (browser) => {
    const phone = { locale: "de-DE", size: PHONE };
    let ada;
    await step("a guest joins by the poster, and a double tap makes one card", async () => {
        ada = await window(browser, phone);
        await ada.goto(`/J/${link}`);
        await ada.click("button.primary");
        assert.match(await ada.textContent(".said"), /Alter/);
        const began = Date.now();
        await ada.fill("#name", "<b>Ada</b>");
        await ada.check("#age");
        await ada.dblclick("button.primary");
        await ada.waitForSelector("#show");
        console.log(`measured from the first letter to the card: ${Date.now() - began} ms`);
        assert.equal(await ada.textContent("h1"), "Hallo <b>Ada</b>");
        assert.equal(await filled(ada), "0");
        // The key signs, and cannot be read by any script.
        const readable = await ada.evaluate(async () => {
            const opened = await new Promise((done) => { const asked = indexedDB.open("stempel", 1); asked.onsuccess = () => done(asked.result); });
            const key = await new Promise((done) => { const asked = opened.transaction("kept").objectStore("kept").get("key"); asked.onsuccess = () => done(asked.result); });
            return crypto.subtle.exportKey("jwk", key.privateKey).then(() => true, () => false);
        });
        assert.equal(readable, false);
    });

    let still;
    await step("a terminal that has never seen the card reads it from the page's pixels and stamps it, offline", async () => {
        await ada.context().setOffline(true);
        await showCode(ada);
        await shot(ada, "code-de-light-phone", false);
        still = await readPixels(ada, "still");
        assert.equal(still.length, 122);
        const given = atTill("stamp", "--member", still);
        assert.equal(given.balances["stamp:coffee"], "1");
        await ada.click("dialog .primary");
        await ada.context().setOffline(false);
    });

    await step("the stamp lands on the open page when the terminal meets the server", async () => {
        await ada.waitForFunction(() => document.querySelector(".state")?.hidden !== false, null, { timeout: 30_000 });
        // The page waits at the server again.
        await ada.waitForTimeout(1500);
        await showCode(ada);
        atTill("sync");
        const began = Date.now();
        await ada.waitForFunction(() => document.querySelector(".stampcard .count b")?.textContent === "1", null, { timeout: 10_000 });
        const took = Date.now() - began;
        console.log(`measured from the end of the terminal's sync to the page: ${took} ms`);
        assert.ok(took < 1000, `${took} ms`);
        assert.equal(await ada.locator("dialog[open]").count(), 0, "the code makes room for the card");
        assert.match(await ada.textContent(".history"), /Besuch\s*\+1 Stempel/);
        assert.equal(await ada.locator("text=Karte bekommen").count(), 1, "the terminal began the member as well");
    });

    await step("the changing code is another each half-minute, read and taken offline where paper is not", async () => {
        admin("shop", "rotating", "stamp:coffee", "5");
        for (let visit = 0; visit < 9; visit++) atTill("stamp", "--member", still, "--at", new Date(Date.now() - (20 - visit) * 3_600_000).toISOString());
        atTill("sync");
        await ada.reload();
        await ada.waitForFunction(() => /einlösbar/.test(document.body.textContent));
        await ada.context().setOffline(true);
        assert.throws(() => atTill("stamp", "--member", still, "--count", "0", "--claim", "free-coffee"), /changes/);
        await showCode(ada);
        await ada.waitForSelector(".code[data-kind=turning] svg");
        await shot(ada, "code-turning-de-light-phone", false);
        const first = await readPixels(ada, "turning");
        assert.equal(first.length, 306);
        const given = atTill("stamp", "--member", first, "--count", "0", "--claim", "free-coffee");
        assert.equal(given.balances["stamp:coffee"], "0");
        await ada.waitForTimeout(30_500 - (Date.now() % 30_000));
        assert.notEqual(await readPixels(ada, "turning-later"), first);
        await ada.click("dialog .primary");
        await ada.context().setOffline(false);
        atTill("sync");
    });

    await step("the card opens with no network", async () => {
        await ada.waitForFunction(() => navigator.serviceWorker.getRegistration("/card").then((kept) => Boolean(kept?.active)));
        await ada.context().setOffline(true);
        await ada.goto("/card");
        await ada.waitForSelector("#show");
        assert.equal(await ada.textContent("h1"), "Hallo <b>Ada</b>");
        await ada.waitForFunction(() => /Ohne Netz/.test(document.querySelector(".state")?.textContent), null, { timeout: 20_000 });
        await shot(ada, "card-offline-de-light-phone");
        await ada.context().setOffline(false);
    });

    await step("the installed app takes the card over by a one-time code", async () => {
        const browserPage = await window(browser, phone);
        await joined(browserPage, "Ben");
        await browserPage.click("text=Auf den Startbildschirm");
        await browserPage.waitForFunction(() => document.querySelector("link[rel=manifest]").href.includes("?h="));
        const manifest = await browserPage.evaluate(() => fetch(document.querySelector("link[rel=manifest]").href).then((answer) => answer.json()));
        const app = await window(browser, phone);
        await app.goto(manifest.start_url);
        await app.waitForSelector("#show");
        assert.equal(await app.textContent("h1"), "Hallo Ben");
        await browserPage.goto("/card");
        await browserPage.waitForFunction(() => /nicht mehr auf diesem Handy/.test(document.querySelector("h1")?.textContent));
        await app.goto(manifest.start_url);
        await app.waitForSelector("#show");
        await app.context().close();
        await browserPage.context().close();
    });

    await step("a browser that forgot everything gets the card back by the code on the paper's back", async () => {
        const page = await window(browser, phone);
        await page.goto(`/C/${token}`);
        assert.match(await page.textContent("h1"), /^0\s*Stempel$/);
        await page.fill("#code", "0000000000");
        await page.click("button.primary");
        await page.waitForFunction(() => /nicht der Code/.test(document.querySelector(".said").textContent));
        assert.equal(await page.inputValue("#code"), "0000000000", "nothing that was typed is lost");
        await page.fill("#code", second.toLowerCase());
        await page.click("button.primary");
        await page.waitForSelector("#show");
        const number = await page.evaluate(() => JSON.parse(localStorage.getItem("view")).number);
        const line = await page.context().newCDPSession(page);
        await line.send("Storage.clearDataForOrigin", { origin: new URL(url).origin, storageTypes: "all" });
        await page.goto("about:blank");
        await page.goto("/card");
        await page.waitForFunction(() => /noch keine Karte/.test(document.querySelector("h1")?.textContent));
        await shot(page, "none-de-light-phone");
        await check(page, "no card");
        await page.goto(`/C/${token}`);
        await page.fill("#code", second);
        await page.click("button.primary");
        await page.waitForSelector("#show");
        const again = await page.evaluate(() => JSON.parse(localStorage.getItem("view")).number);
        assert.equal(again, number);
        await page.context().close();
    });

    await step("name and language are changed, and the half-typed stays when a stamp comes", async () => {
        await ada.goto("/card");
        await ada.waitForSelector("#show");
        await ada.click("summary:has(h2)");
        await ada.fill("#first", "Ada");
        atTill("stamp", "--member", still, "--at", new Date(Date.now() - 5 * 3_600_000).toISOString());
        atTill("sync");
        await ada.waitForFunction(() => document.querySelector(".stampcard .count b")?.textContent === "1", null, { timeout: 15_000 });
        assert.equal(await ada.inputValue("#first"), "Ada");
        await ada.selectOption("#tongue", "en");
        await ada.click("details.part form button");
        await ada.waitForFunction(() => document.querySelector("h1")?.textContent === "Hello Ada");
        assert.equal(await ada.getAttribute("html", "lang"), "en");
    });

    await step("a member agrees, takes it back, and gets everything as a file", async () => {
        await ada.check("#agree-leaderboard");
        await ada.click("fieldset .said button");
        await ada.waitForFunction(() => !document.querySelector("#agree-leaderboard").checked && /Noted/.test(document.querySelector("fieldset .said").textContent));
        await ada.check("#agree-mail");
        await ada.waitForFunction(() => /Noted/.test(document.querySelector("fieldset .said").textContent));
        await ada.reload();
        await ada.waitForSelector("#agree-mail", { state: "attached" });
        await ada.click("summary:has(h2)");
        assert.deepEqual([await ada.isChecked("#agree-mail"), await ada.isChecked("#agree-leaderboard")], [true, false]);
        const [file] = await Promise.all([ada.waitForEvent("download"), ada.click("#export")]);
        const held = JSON.parse(readFileSync(await file.path(), "utf8"));
        assert.deepEqual([held.format, held.profile.name, held.complete], ["stempel-person", "Ada", true]);
        assert.deepEqual(held.consents.map(({ consent, given }) => [consent, given]).sort(), [["leaderboard", false], ["mail", true]]);
    });

    await step("a friend comes by the member's picture", async () => {
        const [file] = await Promise.all([ada.waitForEvent("download"), ada.click("text=Share as a picture")]);
        const picture = join(folder, "friend.png");
        await file.saveAs(picture);
        const { codes } = atTill("scan", picture);
        const friend = await window(browser, phone);
        const { pathname, host } = new URL(codes[0].text);
        assert.equal(host, new URL(url).host);
        await friend.goto(pathname);
        assert.ok(await friend.getAttribute("main", "data-friend"));
        await friend.check("#age");
        await friend.click("button.primary");
        await friend.waitForSelector("#show");
        await friend.context().close();
    });

    await step("a member leaves for good, after having been asked", async () => {
        await ada.click("#forget");
        await check(ada, "leaving");
        await shot(ada, "leave-en-light-phone", false);
        await ada.click("dialog .primary");
        await ada.waitForSelector("dialog", { state: "detached" });
        await ada.click("#forget");
        await ada.click("#forget-now");
        await ada.waitForFunction(() => document.querySelector("h1")?.textContent === "You are forgotten");
        await ada.reload();
        await ada.waitForFunction(() => /no card here yet/.test(document.querySelector("h1")?.textContent));
        const link = await ada.goto(`/C/${still}`);
        assert.equal(link.status(), 404);
        await ada.context().close();
    });

    await step("whoever has no script reads and changes the own data by the code on the back", async () => {
        const page = await window(browser, { ...phone, scripts: false });
        await page.goto(`/C/${token}`);
        await page.fill("#code", second);
        await page.click("[data-plain]");
        await page.click("button[value='agree:mail']");
        await page.click("button[value='withdraw:mail']");
        await shot(page, "paper-de-light-phone");
        const [file] = await Promise.all([page.waitForEvent("download"), page.click("button[value=export]")]);
        assert.equal(JSON.parse(readFileSync(await file.path(), "utf8")).format, "stempel-person");
        await page.click("button[value=ask]");
        assert.match(await page.textContent("h1"), /vergessen lassen/);
        await shot(page, "paper-leave-de-light-phone");
        await page.click(".primary");
        assert.match(await page.textContent("h1"), /Stempel/, "kept");
        await page.context().close();
    });

    await step("every look", async () => {
        for (const locale of ["de-DE", "en-GB"]) {
            for (const dark of [false, true]) {
                const page = await window(browser, { locale, dark, size: PHONE });
                const look = `${locale.slice(0, 2)}-${dark ? "dark" : "light"}`;
                const both = async (name, full = true) => {
                    for (const [kind, size] of [["phone", PHONE], ["desk", DESK]]) {
                        await page.setViewportSize(size);
                        await check(page, `${name}-${look}-${kind}`);
                        await shot(page, `${name}-${look}-${kind}`, full);
                    }
                    await page.setViewportSize(PHONE);
                };
                await page.goto(`/J/${link}`);
                await both("join");
                await page.click("text=/Datenschutz-Info|notice on your data/");
                await both("notice");
                await page.goto(`/C/${token}`);
                await both("link");
                await joined(page, "Ada");
                await showCode(page);
                const code = await readPixels(page, `look-${look}`);
                await both("code", false);
                await page.click("dialog .primary");
                for (let visit = 0; visit < 7; visit++) {
                    atTill("stamp", "--member", code, "--at", new Date(Date.now() - (30 - visit) * 3_600_000).toISOString());
                }
                atTill("sync");
                await page.waitForFunction(() => document.querySelector(".stampcard .count b")?.textContent === "7", null, { timeout: 15_000 });
                await page.locator(".history summary").first().click();
                await page.click("details.settings > summary");
                await both("card");
                await page.context().close();
            }
        }
    });

    await step("little is loaded before the first picture", async () => {
        const page = await window(browser, { ...phone });
        const poster = await measured(page, `/J/${link}`);
        await joined(page, "Kim");
        await page.evaluate(async () => { for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister(); });
        const card = await measured(page, "/card");
        assert.ok(poster < 60_000 && card < 60_000, `${poster}, ${card}`);
        await page.context().close();
    });
});
