const twilio = require("twilio");

// Twilio's client, unmodified, that finds Satchel wherever it looks for
// twilio.com. With an API key, give the account: { accountSid: "AC…" }.
module.exports = (satchel, username, password, options = {}) => {
  const usual = new twilio.RequestClient();
  const httpClient = {
    request(opts) {
      const { hostname, pathname, search } = new URL(opts.uri);
      const uri = hostname.endsWith(".twilio.com") ? satchel + pathname + search : opts.uri;
      return usual.request({ ...opts, uri });
    },
  };
  return twilio(username, password, { ...options, httpClient });
};
