package pgconn

// setSession overrides settings that the server, the database or the role may set
// otherwise. They change how values are written as text, or leave out rows: where row
// security would hide rows of a table, a query fails instead (SQLSTATE 42501). Settings
// that this server does not have are skipped.
const setSession = `select pg_catalog.count(pg_catalog.set_config(name, value, false))
from (values
	('row_security', 'off'),
	('standard_conforming_strings', 'on'),
	('TimeZone', 'UTC'),
	('DateStyle', 'ISO, MDY'),
	('IntervalStyle', 'postgres'),
	('extra_float_digits', '3'),
	('bytea_output', 'hex'),
	('xmlbinary', 'base64'),
	('xmloption', 'content'),
	('lc_monetary', 'C'),
	('lc_numeric', 'C'),
	('lc_time', 'C'),
	('quote_all_identifiers', 'off'),
	('transform_null_equals', 'off')
) wanted(name, value)
where pg_catalog.current_setting(name, true) is not null`
