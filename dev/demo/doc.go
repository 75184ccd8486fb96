// Package demo creates accounts to try Satchel with: a few demo accounts, new ones
// for tests, and any number of rows in them. All data is invented: addresses are
// at example.com, phone numbers begin with +1555. It writes to the platform's
// tables and is not linked into the production programs.
package demo
