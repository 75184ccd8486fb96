const twilio = require("twilio");

// Returns Twilio's client with an HTTP client that sends requests for twilio.com to
// Satchel. With an API key, pass the account: { accountSid: "AC…" }.
module.exports = (satchel, username, password, options = {}) => {
  const requestClient = new twilio.RequestClient();
  const httpClient = {
    request(opts) {
      const { hostname, pathname, search } = new URL(opts.uri);
      const uri = hostname.endsWith(".twilio.com") ? satchel + pathname + search : opts.uri;
      return requestClient.request({ ...opts, uri });
    },
  };
  return twilio(username, password, { ...options, httpClient });
};
