CREATE TABLE items (name text PRIMARY KEY, stock int NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, item text NOT NULL, price int NOT NULL);
INSERT INTO items VALUES ('lamp', 12), ('bundle', 3), ('slow', 1), ('broken', 0);
