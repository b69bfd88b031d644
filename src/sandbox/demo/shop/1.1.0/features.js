module.exports = ["Orders", "Discount codes"];
