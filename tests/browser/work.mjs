// Devices, shops, the team, what waits for a person.
import { assert, everyLook, signIn, step, window, withBrowser } from "./kit.mjs";

await withBrowser(async (browser) => {
    await step("a shop is added, and a time that cannot be stays in the form", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/shops");
        await page.fill("input[name=name]", "Kiosk am Fluss");
        await page.fill("input[name=zone]", "Europe/Nowhere");
        await page.click("button.main");
        assert.match(await page.textContent("[role=alert]"), /not known/);
        assert.equal(await page.inputValue("input[name=name]"), "Kiosk am Fluss");
        await page.fill("input[name=zone]", "Europe/Berlin");
        await page.click("button.main");
        assert.match(await page.textContent("main .list"), /Kiosk am Fluss/);
        await page.context().close();
    });
    await step("a device gets its code, and another is signed out", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/devices");
        await page.click('button:text-is("Make a code")');
        assert.match(await page.textContent(".big-code"), /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
        assert.ok(await page.locator("svg.code").isVisible());
        await page.goto("/dashboard/devices");
        await page.click("text=Lost, stolen or broken?");
        await page.click('button:text-is("Sign the device out")');
        assert.match(await page.textContent("[role=status]"), /signed out/);
        await page.context().close();
    });
    await step("somebody is invited, and gets the code by hand where no mail is set up", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/team");
        await page.fill("section.card input[name=email]", "mara@example.org");
        await page.locator("section.card select[name=role]").selectOption("manager");
        await page.click('button:text-is("Invite")');
        const code = (await page.textContent("#invitation pre")).trim();
        const mara = await window(browser);
        await mara.goto(`/dashboard/password?code=${code}`);
        await mara.fill("input[name=password]", "kurz");
        await mara.click("button.main");
        assert.match(await mara.textContent("[role=alert]"), /at least 10/);
        assert.equal(await mara.inputValue("input[name=code]"), code);
        await mara.fill("input[name=password]", "noch ein guter Satz");
        await mara.click("button.main");
        await mara.fill("input[name=email]", "mara@example.org");
        await mara.fill("input[name=password]", "noch ein guter Satz");
        await mara.click("button.main");
        await mara.waitForSelector("nav");
        assert.equal(await mara.locator('nav a[href="/dashboard/team"]').count(), 0);
        const answer = await mara.goto("/dashboard/team");
        assert.equal(answer.status(), 403);
        await page.goto("/dashboard/team");
        await page.click('button:text-is("Switch on")');
        await page.goto(process.env.STEMPEL_MEMBER);
        await page.click("#correction summary");
        await page.fill("input[name=amount]", "5");
        await page.fill("input[name=reason]", "Sorry");
        await page.click("#correction button");
        assert.match(await page.textContent("[role=status]"), /second person/);
        await mara.goto("/dashboard/work");
        assert.match(await mara.textContent("main"), /Sorry/);
        await mara.click('button:text-is("Agree")');
        await mara.waitForURL(/done=decided/);
        await mara.goto(process.env.STEMPEL_MEMBER);
        assert.match(await mara.textContent(".line-of-time"), /Sorry/);
        for (const one of [page, mara]) await one.context().close();
    });
    await step("a case is decided with one press", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard");
        await page.click("text=wartet auf einen Menschen");
        assert.match(await page.textContent("main"), /mehr gegeben, als da war/);
        await page.click('button:has-text("Verzeihen")');
        assert.match(await page.textContent("main"), /Nichts wartet/);
        await page.context().close();
    });
    await step("another system is told, not in the house's own network, and what was typed stays", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard/hooks");
        await page.fill("input[name=url]", "https://192.168.0.7/x");
        await page.fill("input[name=kinds]", "sale, stamp");
        await page.click('button:text-is("Anlegen")');
        assert.match(await page.textContent("[role=alert]"), /öffentliche Netz/);
        assert.equal(await page.inputValue("input[name=kinds]"), "sale, stamp");
        await page.fill("input[name=url]", "https://example.invalid/stempel");
        await page.click('button:text-is("Anlegen")');
        assert.match(await page.textContent("#secret pre"), /^[A-Z2-7]{32}$/);
        await page.goto("/dashboard/hooks");
        assert.equal(await page.locator("#secret").count(), 0);
        assert.match(await page.textContent("ul.list"), /sale, stamp/);
        await page.context().close();
    });
    await step("a shop says on which days it is open", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard/shops");
        const first = page.locator("ul.list > li").first();
        await first.locator("summary").click();
        for (const day of [0, 6]) await first.locator(`input[name=day][value="${day}"]`).uncheck();
        await first.locator('button:text-is("Speichern")').click();
        assert.match(await page.locator("ul.list > li").first().locator("summary").textContent(), /Di, Mi, Do, Fr, Sa$/);
        await page.context().close();
    });
    await step("these in every look", () =>
        everyLook(browser, { hooks: "/dashboard/hooks", devices: "/dashboard/devices", shops: "/dashboard/shops", team: "/dashboard/team", work: "/dashboard/work", log: "/dashboard/log" }),
    );
});
