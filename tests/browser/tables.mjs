// Tables there and back: the catalogue, members with their paper stamps, the clearing statement.
import { readFileSync, writeFileSync } from "node:fs";
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
        assert.match(file, /espresso,Espresso,coffee,2.40,19,,/);
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
        await page.click("text=Espresso");
        await page.fill("input[name=price]", "2,60");
        await page.click('button:text-is("Speichern")');
        await page.waitForURL(/done=saved/);
        await page.goto("/dashboard/catalogue");
        assert.match(await page.textContent("main"), /2,60 €/);
        await page.context().close();
    });
    await step("an article gets its tax by place and day, a variant, what can be added, and a photo", async () => {
        const page = await window(browser, { scripts: false, locale: "de-DE" });
        await signIn(page, "/dashboard/catalogue");
        await page.click("text=Artikel anlegen");
        const put = async (values) => {
            for (const [name, value] of Object.entries(values)) await page.fill(`[name="${name}"]`, value);
        };
        await put({ sku: "latte", name: "Latte", category: "coffee", price: "4,20", vat: "19", vat_away: "neunzehn" });
        await put({ "r0.from": "2027-01-01", "r0.vat": "7", "m0.code": "hafer", "m0.name": "Hafermilch", "m0.price": "0,50" });
        await page.click('button:text-is("Speichern")');
        assert.match(await page.textContent("[role=alert]"), /nicht geändert/);
        assert.equal(await page.inputValue('[name="m0.name"]'), "Hafermilch");
        await put({ vat_away: "7" });
        await page.click('button:text-is("Speichern")');
        await page.waitForURL(/sku=latte.*done=saved/);
        assert.equal(await page.inputValue('[name="r0.from"]'), "2027-01-01");
        assert.equal(await page.locator('[name="r3.from"]').count(), 0);
        await page.click("text=Variante anlegen");
        assert.equal(await page.inputValue('[name="m0.name"]'), "Hafermilch");
        await put({ sku: "latte-l", name: "Latte groß", variant: "groß", price: "4,90" });
        await page.click('button:text-is("Speichern")');
        await page.waitForURL(/sku=latte-l.*done=saved/);
        await page.goto("/dashboard/catalogue/article?sku=latte");
        assert.match(await page.textContent("main"), /groß · 4,90 €/);
        await page.setInputFiles("#f-photo", { name: "brief.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4") });
        await page.click('button:text-is("Foto übernehmen")');
        assert.match(await page.textContent("[role=alert]"), /Dieses Bild geht nicht/);
        const buffer = await page.screenshot();
        await page.setInputFiles("#f-photo", { name: "latte.png", mimeType: "image/png", buffer });
        await page.click('button:text-is("Foto übernehmen")');
        await page.waitForURL(/done=saved/);
        await page.waitForFunction(() => document.querySelector("img.photo").naturalWidth === 240).catch(() => {});
        const [shown] = await Promise.all([page.waitForResponse(/catalogue\/photo/), page.goto("/dashboard/catalogue")]);
        assert.equal(shown.headers()["content-type"], "image/jpeg");
        assert.match(await page.textContent("main"), /19 % \(außer Haus 7 %\).*\+ Hafermilch/);
        // A table of other columns takes none of it away; one that names them says what it changes.
        await page.fill("textarea", "sku;name;category;price;vat\nlatte;Latte;coffee;4,40;19\n");
        await page.click('button:text-is("Prüfen")');
        assert.match(await page.textContent("[role=status]"), /Latte: Preis 4,20 → 4,40/);
        assert.doesNotMatch(await page.textContent("[role=status]"), /dazukommen/);
        await page.fill("textarea", "sku;name;category;price;vat;modifiers\nlatte;Latte;coffee;4,20;19;hafer:Hafermilch:0,60\n");
        await page.click('button:text-is("Prüfen")');
        assert.match(await page.textContent("[role=status]"), /was dazukommen kann hafer:Hafermilch:0,50 → hafer:Hafermilch:0,60/);
        await page.context().close();
    });
    await step("a package's code is checked, found, and names one article", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/catalogue/article?sku=espresso");
        const save = async (code) => {
            await page.fill("[name=code]", code);
            await page.click('button:text-is("Save")');
        };
        await save("4006381333932");
        assert.match(await page.textContent("[role=alert]"), /last digit/);
        await save("04006381333931");
        await page.waitForURL(/done=saved/);
        assert.equal(await page.inputValue("[name=code]"), "4006381333931");
        await page.goto("/dashboard/catalogue/article?sku=latte");
        await save("4006381333931");
        assert.match(await page.textContent("[role=alert]"), /article espresso already/);
        assert.equal(await page.inputValue("[name=code]"), "4006381333931", "what was typed stays");
        await page.goto("/dashboard/catalogue?find=4006381333931");
        assert.equal(await page.locator(".articles li").count(), 1);
        const table = "sku;name;category;price;vat;code\n";
        await page.fill("textarea", `${table}latte;Latte;coffee;4,20;19;4006381333931\n`);
        await page.click('button:text-is("Check it")');
        assert.match(await page.textContent("[role=alert]"), /Line 2.*article espresso already/);
        await page.fill("textarea", `${table}espresso;Espresso;coffee;2,60;19;96385074\n`);
        await page.click('button:text-is("Check it")');
        assert.match(await page.textContent("[role=status]"), /code on the package 4006381333931 → 96385074/);
        await page.context().close();
    });
    await step("two people at one article: the second sees what the first did", async () => {
        const pages = [await window(browser), await window(browser)];
        for (const page of pages) await signIn(page, "/dashboard/catalogue/article?sku=latte-l");
        for (const [page, price] of [[pages[0], "5.10"], [pages[1], "5.20"]]) await page.fill("[name=price]", price);
        await pages[0].click('button:text-is("Save")');
        await pages[0].waitForURL(/done=saved/);
        await pages[1].click('button:text-is("Save")');
        await pages[1].waitForSelector("[role=alert]");
        assert.match(await pages[1].textContent("main"), /price: 5.10/);
        assert.equal(await pages[1].inputValue("[name=price]"), "5.20");
        await pages[1].click('button:text-is("Save")');
        await pages[1].waitForURL(/done=saved/);
        for (const page of pages) await page.context().close();
    });
    await step("members come along with their paper stamps, and nobody twice", async () => {
        const page = await window(browser, { scripts: false });
        await signIn(page, "/dashboard/import");
        await page.fill("textarea", "name,stamps\nGreta,4\nHans,many\n");
        await page.click('button:text-is("Take it over")');
        assert.match(await page.textContent("[role=alert]"), /Line 3/);
        await page.fill("textarea", "name,e-mail,stamps\nGreta,greta@example.org,4\n");
        await page.click('button:text-is("Check it")');
        assert.match(await page.textContent("[role=status]"), /One member can.*Nothing is taken from these columns: e-mail/);
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
    await step("the clearing statement comes as a PDF", async () => {
        const page = await window(browser, { locale: "de-DE" });
        const month = "from=2026-11-01&to=2026-11-30";
        await signIn(page, `/dashboard/statement?${month}`);
        assert.match(await page.textContent("main"), /2,00 €/);
        const answer = await page.request.get(`/dashboard/statement.pdf?${month}`);
        const pdf = await answer.body();
        assert.match(pdf.toString("latin1"), /^%PDF/);
        if (process.env.STEMPEL_PICTURES) writeFileSync(`${process.env.STEMPEL_PICTURES}/statement.pdf`, pdf);
        await page.context().close();
    });
    await step("these in every look", () =>
        everyLook(browser, { catalogue: "/dashboard/catalogue", article: "/dashboard/catalogue/article?sku=latte", import: "/dashboard/import", statement: "/dashboard/statement" }),
    );
});
