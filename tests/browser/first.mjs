// From an empty server to the first stamp, as an owner walks it: run by tests/it/card.rs against a server with nothing on
// it but an owner's one-time code, and a terminal that nobody has set up.
//
// Beside what kit.mjs reads it finds in its environment: STEMPEL_CODE (the owner's), STEMPEL_PROGRAM and STEMPEL_TILL
// (the program and an empty folder for a terminal).
import { execFileSync } from "node:child_process";
import { assert, check, email, password, shot, step, url, window, withBrowser } from "./kit.mjs";

const { STEMPEL_CODE: code, STEMPEL_PROGRAM: program, STEMPEL_TILL: till } = process.env;

/** Runs the terminal's program and gives the one answer of its command. */
function atTill(...words) {
    const out = execFileSync(program, ["--json", "--data", till, ...words], { encoding: "utf8", timeout: 60_000 });
    return out.trim().split("\n").map((line) => JSON.parse(line)).at(-1);
}

await withBrowser(async (browser) => {
    const page = await window(browser, { locale: "de-DE" });
    const began = Date.now();
    const next = async (words) => {
        assert.equal((await page.textContent(".steps .button.main")).trim(), words);
        await shot(page, `first-${words.replace(/\W+/g, "-").toLowerCase()}-de-light-desk`);
        await page.click(".steps .button.main");
    };
    const done = () => page.locator(".steps .state.good").count();
    await step("the owner chooses a password and signs in", async () => {
        await page.goto("/dashboard/password");
        await page.fill("input[name=code]", code);
        await page.fill("input[name=password]", password);
        await page.click("button.main");
        await page.fill("input[name=email]", email);
        await page.fill("input[name=password]", password);
        await page.click("button.main");
        await page.waitForSelector(".steps");
        assert.equal(await done(), 0);
        await check(page, "the first look");
    });
    await step("a shop", async () => {
        await next("Legen Sie Ihren Laden an");
        await page.fill("input[name=name]", "Café Neu");
        await page.click("form[action='/dashboard/shops'] button.main");
        await page.goto("/dashboard");
        assert.equal(await done(), 1);
    });
    await step("what guests collect", async () => {
        await next("Wählen Sie, was Gäste sammeln");
        await page.click("a[href*='template=coffee-card']");
        await page.click('button:text-is("Veröffentlichen")');
        await page.waitForURL(/done=published/);
        await page.goto("/dashboard");
        assert.equal(await done(), 2);
    });
    await step("the device at the counter", async () => {
        await next("Fügen Sie das Gerät an der Theke hinzu");
        await page.click('button:text-is("Code machen")');
        const invitation = (await page.textContent(".big-code")).trim();
        atTill("enroll", "--server", url, "--code", invitation);
        await page.goto("/dashboard");
        assert.equal(await done(), 3, "a device that is there is no stamp yet");
    });
    await step("a card, and the first stamp", async () => {
        await next("Legen Sie eine Karte an und scannen Sie sie dort");
        await page.fill("input[name=name]", "Ada");
        await page.click("#add button");
        await page.waitForURL(/done=member-added/);
        const picture = `${till}.png`;
        await page.locator("svg.code").first().screenshot({ path: picture });
        const { codes } = atTill("scan", picture);
        atTill("sync");
        assert.equal(atTill("stamp", "--member", codes[0].text).balances["stamp:coffee"], "1");
        await page.goto("/dashboard");
        assert.equal(await page.locator(".steps").count(), 1, "not before the server has heard of it");
        atTill("sync");
        await page.goto("/dashboard");
        assert.equal(await page.locator(".steps").count(), 0, "the steps are gone");
        assert.equal((await page.locator(".tile .figure").first().textContent()).trim(), "1");
        await shot(page, "first-stamp-de-light-desk");
    });
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`measured from an empty server to the first stamp: ${seconds} s`);
    assert.ok(seconds < 300, `${seconds} s`);
});
