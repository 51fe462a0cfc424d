// Standard Webhooks for JavaScript: which of the pushes in a file it accepts, as JSON.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const accepted = JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ secret, body, headers }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
});
console.log(JSON.stringify(accepted));
