// The pictures of the documentation (scripts/screenshots).
import { DESK, PHONE, shot, signIn, step, window, withBrowser } from "./kit.mjs";

const PICTURES = [
    ["dashboard-de", "de-DE", false, DESK, "/dashboard"],
    ["dashboard-en", "en-GB", false, DESK, "/dashboard"],
    ["dashboard-phone-de", "de-DE", true, PHONE, "/dashboard"],
    ["dashboard-phone-en", "en-GB", true, PHONE, "/dashboard"],
    ["dashboard-member-en", "en-GB", false, DESK, process.env.STEMPEL_MEMBER],
    ["dashboard-programme-en", "en-GB", false, DESK, "/dashboard/programmes/edit?template=visit-card"],
];

await withBrowser(async (browser) => {
    for (const [name, locale, dark, size, path] of PICTURES) {
        await step(name, async () => {
            const page = await window(browser, { locale, dark, size });
            await signIn(page, path);
            await shot(page, name, false);
            await page.context().close();
        });
    }
});
