// What looks as if somebody helped himself: a section of the work list.
import { assert, everyLook, signIn, step, window, withBrowser } from "./kit.mjs";

await withBrowser(async (browser) => {
    await step("an alarm says what is odd, and leads to the member and to its entries", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard/work");
        assert.match(await page.textContent("main"), /Fällt auf/);
        await page.click("summary:has-text('Die Einträge')");
        assert.ok(await page.locator("details[open] p").first().isVisible());
        await page.click("text=Die Akte des Mitglieds");
        assert.match(page.url(), /dashboard\/members\/[0-9a-f-]+$/);
        await page.context().close();
    });
    await step("the work list with an alarm in every look", () => everyLook(browser, { odd: "/dashboard/work" }));
});
