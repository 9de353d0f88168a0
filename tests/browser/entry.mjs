// Signing in, the page of today, a session that ends in mid-form, with and without scripts.
import { assert, email, everyLook, signIn, step, window, withBrowser } from "./kit.mjs";

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
    await everyLook(browser, { "sign-in": "/dashboard/sign-in", password: "/dashboard/password", forgotten: "/dashboard/forgotten" }, { signed: false });
    await step("today in every look", () => everyLook(browser, { today: "/dashboard" }));
});
