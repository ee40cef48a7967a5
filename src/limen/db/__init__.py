"""SQL, and nothing but SQL: two drivers behind one small interface, and the migrations."""
