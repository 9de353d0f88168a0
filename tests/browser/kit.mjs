// What the scripts of this folder share: a browser, pages in a language and a theme, and the check of accessibility.
//
// A script is run by crates/server/tests/it/browser.rs against a real server with the sample café. It finds in its
// environment: STEMPEL_URL, STEMPEL_EMAIL, STEMPEL_PASSWORD, STEMPEL_BROWSER (the folder with the packages),
// CHROMIUM, and STEMPEL_PICTURES where pictures are wanted. It fails by throwing.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.STEMPEL_BROWSER}/package.json`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const { STEMPEL_URL: url, STEMPEL_EMAIL: email, STEMPEL_PASSWORD: password } = process.env;
export { assert };

/** Runs a script's work with a browser, and ends the browser whatever happens. */
export async function withBrowser(work) {
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"],
    });
    try {
        await work(browser);
    } catch (error) {
        for (const page of browser.contexts().flatMap((context) => context.pages())) {
            const said = await page.locator("[role=alert], h1").allTextContents().catch(() => []);
            console.log(`at ${page.url()}: ${said.join(" | ").replace(/\s+/g, " ")}`);
            await shot(page, "failed").catch(() => {});
        }
        throw error;
    } finally {
        await browser.close();
    }
}

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 800 };

/** A fresh window: its language, its theme, its size, with or without scripts. */
export async function window(browser, { locale = "en-GB", dark = false, size = DESK, scripts = true } = {}) {
    const context = await browser.newContext({
        locale,
        colorScheme: dark ? "dark" : "light",
        viewport: size,
        javaScriptEnabled: scripts,
        reducedMotion: "reduce",
        timezoneId: "Europe/Berlin",
        baseURL: url,
    });
    context.setDefaultTimeout(15000);
    const page = await context.newPage();
    page.on("pageerror", (error) => {
        throw error;
    });
    return page;
}

/** Signs in through the page's own form. */
export async function signIn(page, to = "/dashboard") {
    await page.goto(to);
    await page.fill("input[name=email]", email);
    await page.fill("input[name=password]", password);
    await Promise.all([page.waitForURL((at) => at.pathname !== "/dashboard/sign-in"), page.click("button.main")]);
}

/** Nothing is wider than the window. */
export async function fits(page, what) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${what}: ${over} pixels wider than the window`);
}

/**
 * Looks for what keeps people out: no finding that is serious or critical, and nothing wider than the window. The window
 * has to allow scripts: without them the look never ends.
 */
export async function check(page, what) {
    await fits(page, what);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
        globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
    );
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const found = grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
    assert.deepEqual(found, [], `${what}: axe`);
}

/** Every look of a page: both languages, both themes, phone and desk. `signed` says whether to sign in first. */
export async function everyLook(browser, paths, { signed = true } = {}) {
    if (process.env.STEMPEL_LOOKS === "none") return;
    for (const locale of ["de-DE", "en-GB"]) {
        for (const dark of [false, true]) {
            const page = await window(browser, { locale, dark });
            if (signed) await signIn(page);
            for (const [name, path] of Object.entries(paths)) {
                for (const [kind, size] of [["desk", DESK], ["phone", PHONE]]) {
                    await page.setViewportSize(size);
                    const answer = await page.goto(path);
                    assert.ok(answer.status() < 400, `${path}: ${answer.status()}`);
                    const look = `${name}-${locale.slice(0, 2)}-${dark ? "dark" : "light"}-${kind}`;
                    // What is found hangs on language and theme; each size gets its turn with each of them.
                    const turn = dark === (locale === "de-DE") ? "desk" : "phone";
                    await (kind === turn ? check(page, look) : fits(page, look));
                    await shot(page, look);
                }
            }
            await page.context().close();
        }
    }
}

/** A picture, if pictures are wanted. */
export async function shot(page, name, fullPage = true) {
    const folder = process.env.STEMPEL_PICTURES;
    if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
}

/** One step of a script, said when it is done. */
export async function step(name, work) {
    const began = Date.now();
    await work();
    console.log(`ok ${name} (${Date.now() - began} ms)`);
}
