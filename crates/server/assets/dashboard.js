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
