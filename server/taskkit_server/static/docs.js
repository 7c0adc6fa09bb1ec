// Shows the API's document by Swagger UI. A token that is typed in stays in this page's memory.

"use strict";

window.SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null, // else it would ask a server elsewhere
  presets: [window.SwaggerUIBundle.presets.apis],
});
