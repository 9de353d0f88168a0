// Programmes: from a template to what guests collect, two people at once, versions side by side, the end.
import { assert, everyLook, shot, signIn, step, window, withBrowser } from "./kit.mjs";

const EDIT = "/dashboard/programmes/edit";

await withBrowser(async (browser) => {
    await step("a template becomes a programme, without scripts", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard/programmes/new");
        assert.equal(await page.locator(".sheets li").count(), 36);
        await page.goto(`${EDIT}?template=visit-card`);
        await page.fill('input[name="v.card"]', "acht");
        await page.click('button:text-is("Zeigen, was es gibt")');
        assert.match(await page.textContent("[role=alert]"), /schreiben Sie eine Zahl/);
        await page.fill('input[name="v.reward.0.cost"]', "8");
        await page.fill('input[name="v.name.de"]', "Besuchskarte für alle");
        await page.click('button:text-is("Zeigen, was es gibt")');
        assert.equal(await page.inputValue('input[name="v.reward.0.cost"]'), "8");
        assert.match(await page.textContent(".preview"), /1 Stempel/);
        await page.click('button:text-is("Veröffentlichen")');
        assert.match(await page.textContent("h1"), /Besuchskarte für alle/);
        await page.context().close();
    });
    await step("an error in the text is told with its line", async () => {
        const page = await window(browser);
        await signIn(page, `${EDIT}?id=points`);
        await page.click('button:text-is("As text")');
        const text = await page.inputValue("textarea");
        await page.fill("textarea", text.replace("per = ", "pre = "));
        await page.click('button:text-is("Publish")');
        assert.match(await page.textContent("[role=alert]"), /line \d+, column \d+/);
        assert.match(await page.inputValue("textarea"), /pre = /);
        await page.context().close();
    });
    await step("a version is planned for a day, looked at and dropped", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, `${EDIT}?id=points`);
        await page.fill("input[name=from]", "2020-01-01");
        await page.fill('input[name="v.reward.0.cost"]', "70");
        await page.click('button:text-is("Veröffentlichen")');
        assert.match(await page.textContent("[role=alert]"), /nach heute/);
        assert.equal(await page.inputValue('input[name="v.reward.0.cost"]'), "70", "nothing that was typed is lost");
        await page.fill("input[name=from]", "2027-03-01");
        await page.click('button:text-is("Veröffentlichen")');
        await page.waitForURL(/done=planned/);
        assert.match(await page.textContent("main"), /ab 1\. März 2027|ab 01\.03\.2027|ab 1\. Mär/);
        await shot(page, "planned-de-light-desk");
        await page.click('a:text-is("Ansehen")');
        assert.equal(await page.inputValue('input[name="v.reward.0.cost"]'), "70");
        await page.goto("/dashboard/programmes");
        await page.click('button:text-is("Plan verwerfen")');
        assert.doesNotMatch(await page.textContent("main"), /Geplant/);
        await page.context().close();
    });
    await step("two people at once: the second sees the other's version and loses nothing", async () => {
        const [one, two] = [await window(browser), await window(browser)];
        for (const page of [one, two]) await signIn(page, `${EDIT}?id=points`);
        await one.fill('input[name="v.reward.0.cost"]', "90");
        await one.click('button:text-is("Publish")');
        await one.waitForURL(/done=published/);
        await two.fill('input[name="v.reward.0.cost"]', "80");
        await two.click('button:text-is("Publish")');
        await two.waitForSelector(".compare");
        assert.match(await two.textContent(".compare"), /90[^]*80/);
        assert.equal(await two.inputValue('input[name="v.reward.0.cost"]'), "80");
        await two.click('button:text-is("Publish")');
        await two.waitForURL(/done=published/);
        assert.match(await two.textContent(".compare"), /90[^]*80/);
        for (const page of [one, two]) await page.context().close();
    });
    await step("a programme is ended", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/programmes/points");
        await page.click("text=End this programme");
        await page.click('button:text-is("End it")');
        assert.match(await page.textContent("main"), /ended/);
        await page.context().close();
    });
    await step("a version is tried at one shop, taken back, tried again and then holds everywhere", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, `${EDIT}?id=coffee`);
        const publish = async (cost) => {
            await page.fill('input[name="v.reward.0.cost"]', cost);
            await page.locator("select[name=first]").selectOption({ index: 1 });
            await page.click('button:text-is("Veröffentlichen")');
            await page.waitForURL(/done=published/);
        };
        await publish("9");
        assert.match(await page.textContent("#trial"), /Fassung 2 gilt in[^]*Überall sonst gilt Fassung 1\./);
        assert.match(await page.textContent(".compare"), /10[^]*9/);
        await shot(page, "trial-de-light-desk");
        await page.goto("/dashboard/programmes");
        assert.match(await page.textContent("main"), /Erst in einem Laden/);
        await page.goto("/dashboard/programmes/coffee");
        await page.click('button:text-is("Zurücknehmen")');
        await page.waitForURL(/done=saved/);
        assert.equal(await page.locator("#trial").count(), 0);
        assert.match(await page.textContent(".lead"), /Fassung 3/);
        await page.goto(`${EDIT}?id=coffee`);
        assert.equal(await page.inputValue('input[name="v.reward.0.cost"]'), "10");
        await publish("8");
        await page.click('button:text-is("Jetzt für alle Läden")');
        await page.waitForURL(/done=saved/);
        assert.match(await page.textContent(".lead"), /gilt[^]*Fassung 4/);
        await page.context().close();
    });
    await step("programmes in every look", () =>
        everyLook(browser, {
            programmes: "/dashboard/programmes",
            templates: "/dashboard/programmes/new",
            programme: "/dashboard/programmes/points",
            editor: `${EDIT}?template=tier-ladder`,
        }),
    );
});
