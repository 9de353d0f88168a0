// Tables there and back: the catalogue, members with their paper stamps, the clearing statement.
import { readFileSync } from "node:fs";
import { assert, everyLook, signIn, step, window, withBrowser } from "./kit.mjs";

await withBrowser(async (browser) => {
    await step("the catalogue goes in with a look first, and out again", async () => {
        const page = await window(browser);
        await signIn(page, "/dashboard/catalogue");
        const table = "sku;name;category;price;vat\nespresso;Espresso;coffee;2,40;19\nrisky;=HYPERLINK(1);cake;1,00;7\n";
        await page.fill("textarea", table.replace("2,40", "viel"));
        await page.click('button:text-is("Check it")');
        await page.waitForSelector("[role=alert]");
        assert.match(await page.textContent("[role=alert]"), /Line 2/);
        assert.match(await page.inputValue("textarea"), /viel/);
        await page.setInputFiles("input[type=file]", { name: "a.csv", mimeType: "text/csv", buffer: Buffer.from(table) });
        await page.waitForFunction(() => document.querySelector("textarea").value.includes("2,40"));
        await page.click('button:text-is("Check it")');
        await page.waitForSelector("[role=status]");
        assert.match(await page.textContent("[role=status]"), /2 new, 0 changed/);
        await page.click('button:text-is("Take it over")');
        await page.waitForURL(/done=saved/);
        const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download as CSV")]);
        const file = readFileSync(await download.path(), "utf8");
        assert.match(file, /espresso,Espresso,coffee,2.40,19,/);
        assert.match(file, /,'=HYPERLINK\(1\),/);
        await page.fill("textarea", file);
        await page.click('button:text-is("Check it")');
        await page.waitForSelector("[role=status]");
        assert.match(await page.textContent("[role=status]"), /0 new, 0 changed, 2 as they are/);
        await page.context().close();
    });
    await step("a price is changed without scripts", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard/catalogue");
        await page.click("summary >> nth=0");
        await page.fill("input[name=price] >> nth=0", "2,60");
        await page.click('button:text-is("Speichern") >> nth=0');
        assert.match(await page.textContent("main"), /2,60 €/);
        await page.context().close();
    });
    await step("members come along with their paper stamps, and nobody twice", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/import");
        await page.fill("textarea", "name,stamps\nGreta,4\nHans,many\n");
        await page.click('button:text-is("Take it over")');
        assert.match(await page.textContent("[role=alert]"), /Line 3/);
        for (let times = 0; times < 2; times++) {
            await page.fill("textarea", "name,stamps\nGreta,4\nHans,0\n");
            await page.click('button:text-is("Take it over")');
            assert.match(await page.textContent("[role=status]"), /2 members were taken over/);
        }
        await page.goto("/dashboard/members?find=greta");
        assert.equal(await page.locator("tbody tr").count(), 1);
        assert.match(await page.textContent("tbody"), /4 stamps/);
        await page.context().close();
    });
    await step("these in every look", () =>
        everyLook(browser, { catalogue: "/dashboard/catalogue", import: "/dashboard/import", statement: "/dashboard/statement" }),
    );
});
