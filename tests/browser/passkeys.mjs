// Passkeys with Chromium's own virtual authenticator: added, signing in alone and after the password, broken off, removed.
import { assert, check, email, everyLook, fits, password, PHONE, shot, signIn, step, url, window, withBrowser } from "./kit.mjs";

/** Puts an authenticator into a window, which does at once what somebody with the right finger would. */
async function authenticator(page) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
        options: {
            protocol: "ctap2",
            transport: "internal",
            hasResidentKey: true,
            hasUserVerification: true,
            isUserVerified: true,
            automaticPresenceSimulation: true,
        },
    });
    return {
        finger: (right) => devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: right }),
        keys: async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    };
}

await withBrowser(async (browser) => {
    const page = await window(browser);
    const phone = await authenticator(page);
    const form = page.locator("form[action='/dashboard/account/passkey']");
    const within = page.locator("form.passkey button");
    const alert = form.locator("[role=alert]:not([hidden])");
    const signOut = async () => {
        await page.click('button:text-is("Sign out")');
        await page.waitForSelector("input[name=email]");
    };
    let codes;
    await step("a passkey is added with the password", async () => {
        await signIn(page, "/dashboard/account");
        await form.locator("input[name=name]").fill("My phone");
        await form.locator("input[name=password]").fill("not this one");
        await form.locator("button").click();
        assert.match(await alert.textContent(), /not your password/);
        assert.equal((await phone.keys()).length, 0, "nothing is made before the password is right");
        await form.locator("input[name=password]").fill(password);
        await form.locator("button").click();
        codes = (await page.textContent("#recovery pre")).trim().split("\n");
        assert.equal(codes.length, 10);
        assert.match(await page.textContent("#passkeys .list"), /My phone.*not used yet/s);
        await check(page, "the account with a passkey");
        await shot(page, "passkey-added-en-light-desk");
        await page.setViewportSize(PHONE);
        await fits(page, "the account with a passkey on a phone");
        await page.setViewportSize({ width: 1280, height: 800 });
        const [key] = await phone.keys();
        assert.deepEqual([key.rpId, key.isResidentCredential], ["localhost", true]);
    });
    await step("the same device makes no second one", async () => {
        await page.goto("/dashboard/account");
        await form.locator("input[name=password]").fill(password);
        await form.locator("button").click();
        assert.match(await alert.textContent(), /already/);
        assert.equal((await phone.keys()).length, 1);
    });
    await step("it signs in alone, and leads where somebody wanted to go", async () => {
        await signOut();
        await page.goto("/dashboard/shops");
        await check(page, "the page to sign in with a passkey");
        await shot(page, "passkey-sign-in-en-light-desk");
        await within.click();
        await page.waitForURL(/\/dashboard\/shops$/);
        await page.goto("/dashboard/account");
        assert.match(await page.textContent("#passkeys .list"), /last used/);
    });
    await step("broken off it says so, and can be tried again", async () => {
        await signOut();
        await phone.finger(false);
        await within.click();
        assert.match(await page.textContent("form.passkey [role=alert]:not([hidden])"), /broken off/);
        await phone.finger(true);
        await within.click();
        await page.waitForURL(/\/dashboard$/);
    });
    await step("after the password it is asked for, and a recovery code does too", async () => {
        await signOut();
        const half = async () => {
            await page.goto("/dashboard/sign-in");
            await page.fill("input[name=email]", email);
            await page.fill("input[name=password]", password);
            await page.click("button.main");
            await page.waitForSelector("input[name=code]");
        };
        await half();
        await check(page, "the second step with a passkey");
        await shot(page, "passkey-second-en-light-desk");
        await within.click();
        await page.waitForURL(/\/dashboard$/);
        await signOut();
        await half();
        await page.fill("input[name=code]", codes[0]);
        await page.click("button.main");
        await page.waitForURL(/\/dashboard$/);
    });
    await step("at another address of the same server it says where it works", async () => {
        const other = await window(browser, { locale: "de-DE" });
        await other.goto(`${url.replace("localhost", "127.0.0.1")}/dashboard/sign-in`);
        assert.equal(await other.locator("form.passkey button").isVisible(), false);
        await other.context().close();
    });
    await step("without a script the page says what is missing", async () => {
        const plain = await window(browser, { scripts: false, locale: "de-DE", dark: true });
        await plain.goto("/dashboard/sign-in");
        assert.match(await plain.textContent("form.passkey"), /JavaScript/);
        assert.equal(await plain.locator("form.passkey button").isVisible(), false);
        await plain.context().close();
    });
    await step("it is removed, and opens nothing any more", async () => {
        await page.goto("/dashboard/account");
        await page.locator("#passkeys summary").click();
        await page.fill("#passkeys .list input[name=password]", password);
        await page.locator('button:text-is("Remove this passkey")').click();
        await page.waitForURL(/done=saved/);
        assert.equal(await page.locator("#passkeys .list").count(), 0);
        await signOut();
        await within.click();
        assert.match(await page.textContent("#problem"), /did not work/);
        await signIn(page);
    });
    await step("the page to sign in, in every look", () => everyLook(browser, { "passkey-sign-in": "/dashboard/sign-in" }, { signed: false }));
    await step("the account's page, in every look", () => everyLook(browser, { "passkey-account": "/dashboard/account" }));
});
