module.exports = ["Orders", "Discount codes", "Recommendations"];
