// Members: finding them however they are spelt, the file, corrections, cards; a session that ends in mid-form.
import { readFileSync } from "node:fs";
import { assert, email, everyLook, password, signIn, step, window, withBrowser } from "./kit.mjs";

await withBrowser(async (browser) => {
    let file;
    await step("a name is found however it is spelt", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/members");
        for (const asked of ["Joerg", "fridea", "Klara"]) {
            await page.fill("input[name=find]", asked);
            await page.click("form[role=search] button");
            assert.equal(await page.locator("tbody tr").count(), 1, asked);
        }
        const number = (await page.textContent("tbody td")).trim();
        await page.fill("input[name=find]", number);
        await page.click("form[role=search] button");
        assert.equal(await page.textContent("h1"), "Clara");
        await page.goto("/dashboard/members?find=nobody-of-that-name");
        assert.match(await page.textContent("main"), /Nobody/);
        await page.context().close();
    });
    await step("somebody is added, and a name with HTML in it stays a name", async () => {
        const page = await window(browser);
        await signIn(page, "/dashboard/members");
        await page.fill("input[name=name]", "<b>Zoë</b>");
        await page.click("#add button");
        await page.waitForURL(/done=member-added/);
        assert.equal(await page.textContent("h1"), "<b>Zoë</b>");
        file = new URL(page.url()).pathname;
        await page.context().close();
    });
    await step("a correction says why, and an amount that cannot be stays in the form", async () => {
        const page = await window(browser, { locale: "de-DE" });
        await signIn(page, file);
        await page.click("#correction summary");
        await page.fill("input[name=amount]", "zwei");
        await page.fill("input[name=reason]", "Karte vergessen");
        await page.click("#correction button");
        await page.waitForSelector("[role=alert]");
        assert.equal(await page.inputValue("input[name=reason]"), "Karte vergessen");
        await page.fill("input[name=amount]", "2");
        await page.selectOption("select[name=unit]", "stamp:coffee");
        await page.click("#correction button");
        await page.waitForURL(/done=adjusted/);
        assert.match(await page.textContent(".line-of-time"), /Von Hand: Karte vergessen\s*\+2 Stempel/);
        await page.context().close();
    });
    await step("a session that ends in mid-form loses nothing", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, file);
        await page.click("#correction summary");
        await page.fill("input[name=amount]", "7");
        await page.fill("input[name=reason]", "A long story that nobody types twice");
        await page.context().clearCookies();
        await page.click("#correction button");
        assert.match(await page.textContent("main"), /session had ended/);
        await page.fill("input[name=email]", email);
        await page.fill("input[name=password]", "not this one");
        await page.click("button.main");
        await page.fill("input[name=password]", password);
        await page.click("button.main");
        assert.equal(new URL(page.url()).pathname, file);
        assert.equal(await page.inputValue("input[name=reason]"), "A long story that nobody types twice");
        assert.equal(await page.inputValue("input[name=amount]"), "7");
        await page.click("#correction button");
        assert.match(page.url(), /done=adjusted/);
        assert.match(await page.textContent(".line-of-time"), /long story/);
        await page.context().close();
    });
    await step("a lost card is replaced, and everything stays", async () => {
        const page = await window(browser);
        await signIn(page, file);
        await page.click("text=Lost or stolen?");
        await page.click("text=Replace by a new card");
        await page.waitForURL(/done=card-replaced/);
        assert.equal(await page.locator("text=blocked").first().isVisible(), true);
        // The new card's code stands open, to be photographed at once.
        assert.ok(await page.locator("svg.code").isVisible());
        await page.context().close();
    });
    await step("two members become one, are parted, and one is forgotten", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/members?find=bruno");
        const number = (await page.textContent("tbody td")).trim();
        await page.goto(file);
        await page.click("text=The same person twice?");
        await page.fill("input[name=into]", "nothing like a card");
        await page.click('button:text-is("Make them one")');
        assert.equal(await page.inputValue("input[name=into]"), "nothing like a card");
        await page.fill("input[name=into]", number);
        await page.click('button:text-is("Make them one")');
        assert.match(await page.textContent("[role=status]"), /one member now/);
        assert.match(await page.textContent(".line-of-time"), /At the stamp card/);
        await page.click('button:text-is("Part them again")');
        assert.match(await page.textContent("[role=status]"), /two members again/);
        await page.goto("/dashboard/members?find=bruno");
        await page.click("tbody a");
        await page.click("text=Forget this member");
        await page.check("input[name=sure]");
        await page.click('button:text-is("Forget for ever")');
        assert.match(await page.textContent("main"), /was forgotten/);
        await page.goto("/dashboard/members?find=bruno");
        assert.match(await page.textContent("main"), /Nobody/);
        await page.context().close();
    });
    await step("cards for the counter are made, printed on sheets, and the rest of a lost pile is withdrawn", async () => {
        const page = await window(browser, { locale: "de-DE" });
        await signIn(page, "/dashboard/members");
        await page.click("a[href='/dashboard/cards']");
        await page.fill("input[name=count]", "0");
        await page.click("main form[action='/dashboard/cards'] button");
        assert.match(await page.textContent("#problem"), /1 bis 1.000/);
        await page.fill("input[name=count]", "12");
        await page.click("main form[action='/dashboard/cards'] button");
        await page.waitForURL(/done=cards-made/);
        assert.match(await page.textContent(".list li"), /12 Karten.*0 in Gebrauch.*12 noch unbenutzt/s);
        const [sheets] = await Promise.all([
            page.waitForEvent("download"),
            page.click('button:text-is("Bogen auf Deutsch (PDF)")'),
        ]);
        const pdf = readFileSync(await sheets.path(), "latin1");
        assert.match(pdf, /^%PDF-/);
        assert.equal(pdf.match(/\/Type\s*\/Page\b(?!s)/g).length, 4, "two sheets, each with its back");
        await page.click(".list summary");
        await page.check("input[name=sure]");
        await page.click('button:text-is("Zurückziehen")');
        await page.waitForURL(/done=saved/);
        assert.match(await page.textContent(".list li"), /Rest zurückgezogen.*0 noch unbenutzt/s);
        await page.context().close();
    });
    await step("members in every look", () => everyLook(browser, { members: "/dashboard/members", cards: "/dashboard/cards", member: file }));
});
