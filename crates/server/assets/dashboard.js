// Makes the pages nicer. Everything works without it.
"use strict";

// A form that was sent is not sent twice by a second press.
document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
        event.preventDefault();
        return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 8000);
});

// The back button shows a page as it was: its forms can be sent again.
addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
});

// What is wrong is read out, and what was done too.
const problem = document.getElementById("problem");
if (problem) {
    problem.tabIndex = -1;
    problem.focus();
}

// A table can also be read from a file.
for (const area of document.querySelectorAll("textarea[data-file]")) {
    const label = document.createElement("label");
    label.className = "button";
    label.textContent = area.dataset.file;
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ".csv,.tsv,.txt,text/csv";
    input.className = "out-of-sight";
    input.addEventListener("change", async () => {
        const [file] = input.files;
        if (!file) return;
        const bytes = await file.arrayBuffer();
        try {
            area.value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
        } catch {
            // What spreadsheets of western Europe write.
            area.value = new TextDecoder("windows-1252").decode(bytes);
        }
    });
    label.append(input);
    area.before(label);
}

// What was found among some of the names is asked for again until all were searched; what is typed elsewhere stays.
const searchAgain = async (left) => {
    const found = document.getElementById("found");
    if (!left || !found?.querySelector("[data-again]")) return;
    await new Promise((done) => setTimeout(done, 1000));
    try {
        const answer = await fetch(location.href);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const now = page.getElementById("found");
        if (now && !found.contains(document.activeElement)) found.replaceWith(now);
    } catch {
        // No network: the next time, or by hand.
    }
    searchAgain(left - 1);
};
searchAgain(60);
