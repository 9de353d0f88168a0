// Signing in, the page of today, a session that ends in mid-form, with and without scripts.
import { createHmac } from "node:crypto";
import { assert, check, email, everyLook, password, shot, signIn, step, url, window, withBrowser } from "./kit.mjs";

/** What an authenticator app shows by the server's clock (RFC 6238). */
async function now(secret) {
    const answer = await fetch(`${url}/health/live`);
    await answer.text();
    const at = Number(answer.headers.get("stempel-server-time"));
    const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const bits = [...secret.trim()].map((sign) => signs.indexOf(sign).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const turn = Buffer.alloc(8);
    turn.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
    const mac = createHmac("sha1", key).update(turn).digest();
    const word = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
    return String(word % 1_000_000).padStart(6, "0");
}

await withBrowser(async (browser) => {
    await step("a wrong password is said, and the address stays", async () => {
        const page = await window(browser, { scripts: false });
        await page.goto("/dashboard?a=b");
        assert.equal(new URL(page.url()).pathname, "/dashboard/sign-in");
        await page.fill("input[name=email]", email);
        await page.fill("input[name=password]", "not this one");
        await page.click("button.main");
        assert.match(await page.textContent("[role=alert]"), /wrong/);
        assert.equal(await page.inputValue("input[name=email]"), email);
        await page.context().close();
    });
    await step("without scripts somebody signs in, looks and signs out", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page);
        assert.match(await page.textContent("h1"), /Wie läuft es heute/);
        assert.ok((await page.locator(".chart rect").count()) === 14);
        await page.click("text=Abmelden");
        assert.match(await page.textContent("[role=status]"), /abgemeldet/);
        await page.goto("/dashboard");
        assert.equal(new URL(page.url()).pathname, "/dashboard/sign-in");
        await page.context().close();
    });
    await step("the language that was chosen stays", async () => {
        const page = await window(browser, { locale: "de-DE" });
        await signIn(page);
        await page.locator("nav >> text=English").click();
        assert.match(await page.textContent("h1"), /How is it going/);
        await page.reload();
        assert.equal(await page.getAttribute("html", "lang"), "en");
        await page.context().close();
    });
    await step("a second factor is set up, asked for, and switched off again", async () => {
        const page = await window(browser);
        await signIn(page, "/dashboard/account");
        await page.click('button:text-is("Set it up")');
        const secret = await page.textContent("code.wrap");
        await page.fill("input[name=code]", "000000");
        await page.click('button:text-is("Switch on")');
        assert.match(await page.textContent("[role=alert]"), /not the code/);
        assert.equal(await page.textContent("code.wrap"), secret, "the app need not be set up anew");
        await check(page, "setting up the second factor");
        await shot(page, "account-begun-en-light-desk");
        await page.fill("input[name=code]", await now(secret));
        await page.click('button:text-is("Switch on")');
        const codes = (await page.textContent("#recovery pre")).trim().split("\n");
        assert.equal(codes.length, 10);
        await shot(page, "account-codes-en-light-desk");
        await page.click('button:text-is("Sign out")');
        await page.goto("/dashboard/shops");
        await page.fill("input[name=email]", email);
        await page.fill("input[name=password]", password);
        await page.click("button.main");
        await check(page, "the page for the code");
        await shot(page, "code-wanted-en-light-desk");
        await page.fill("input[name=code]", codes[0]);
        await page.click("button.main");
        assert.equal(new URL(page.url()).pathname, "/dashboard/shops");
        await page.goto("/dashboard/account");
        assert.match(await page.textContent("main"), /left: 9/);
        await page.click("summary");
        await page.fill("input[name=code]", codes[1]);
        await page.click('button:text-is("Switch off")');
        assert.match(await page.textContent("main"), /Set it up/);
        await page.context().close();
    });
    await everyLook(browser, { "sign-in": "/dashboard/sign-in", password: "/dashboard/password", forgotten: "/dashboard/forgotten" }, { signed: false });
    await step("today in every look", () => everyLook(browser, { today: "/dashboard", account: "/dashboard/account" }));
});
