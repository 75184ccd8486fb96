// Package bulk is the HTTP API of bulk exports. It is shaped like Twilio's BulkExport v1, so
// that Twilio's own client libraries work with it unmodified. A few more routes serve our
// pages and our own JSON API.
//
// Business rules are methods of Bulk that take the Principal and return types of package
// schema. Handlers parse the request, call such a method and write the response. JSON types,
// status codes and the host in URLs are those that the client libraries require.
package bulk
