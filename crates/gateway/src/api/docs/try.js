"use strict";
// Shows /api/openapi.json with Swagger UI, in the colours that the reader prefers.
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", colour);
colour();

// Names the controls that Swagger UI leaves without a name for screen readers, and lets the keyboard scroll examples.
const names = { "#servers": "Server", "textarea.body-param__text": "Body of the request" };
const place = document.getElementById("operations");
new MutationObserver(() => {
  for (const [selector, name] of Object.entries(names)) {
    for (const control of place.querySelectorAll(`${selector}:not([aria-label])`)) control.setAttribute("aria-label", name);
  }
  for (const example of place.querySelectorAll(".microlight:not([tabindex])")) example.tabIndex = 0;
}).observe(place, { childList: true, subtree: true });

SwaggerUIBundle({
  url: "/api/openapi.json",
  domNode: place,
  deepLinking: false,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
});
